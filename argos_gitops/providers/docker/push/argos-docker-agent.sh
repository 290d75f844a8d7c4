#!/usr/bin/env bash
# Reports the containers of this host to argos-gitops, or to any server that keeps ArchNest's contract.
# It needs docker (or podman), curl and jq 1.6, and sends nothing but what `--print` shows: secrets in
# variables, commands, labels and log options are masked before they leave the host.
#
# What it can be told, how it is installed, what its exit codes mean: docs/docker-agent.md
set +x # whoever traces this script shall not log the token
set -uo pipefail
export LC_ALL=C

readonly NAME="argos-docker-agent" VERSION="argos-1"
readonly USAGE=2 NO_TOOL=3 NO_SETTING=4 NO_ENGINE=5 NO_SERVER=6 NO_ENTRY=7 NOT_TAKEN=8 NOT_READY=9
readonly ENGINE_SECONDS=30 CONNECT_SECONDS=5 SEND_SECONDS=20 ATTEMPTS=4

main() {
    mode=once interval='' config='' verbose='' heartbeat=''
    declare -gA settings=()
    read_options "$@" || return
    read_settings || return
    require_tools || return
    check_settings || return
    case "$mode" in
    print) make_report && printf '%s\n' "$report" ;;
    once) report ;;
    loop) report_forever ;;
    esac
}

help() {
    cat <<HELP
usage: $NAME.sh [--once | --loop SECONDS | --print] [--config FILE] [--verbose]

  --once           report once (what it does when told nothing)
  --loop SECONDS   report now and then every so many seconds, until it is ended
  --print          write the report to stdout and send nothing
  --config FILE    read settings from this file instead of those in /etc
  --verbose        also say what went well
  --help           this

Settings, in the environment, /etc/argos/agent.env or /etc/archnest/agent.env; each may also begin with
ARCHNEST_ instead of ARGOS_, which wins:

  ARGOS_URL               where the server is: https://argos.example.com
  ARGOS_AGENT_TOKEN       the token of this host, or ...
  ARGOS_AGENT_TOKEN_FILE  ... a file that holds it
  ARGOS_HOST_ID           the name of this host: letters, digits, dot, dash, underscore
  ARGOS_ENGINE            docker or podman (default: docker where it is installed)
  ARGOS_CA_FILE           certificates that may have signed the server's, instead of the system's
  ARGOS_HEARTBEAT         1 or 0: say shortly that nothing changed (default: 1 with ARGOS_URL)
  ARGOS_FULL_EVERY        seconds after which a whole report is sent anyway (default: 300)
  ARGOS_STATE             folder that remembers the last report (default: /var/lib/$NAME)
  ARGOS_RETRY_WAIT        seconds before the second attempt, doubled before the next (default: 1)

Exit codes: 0 sent; $USAGE wrong option; $NO_TOOL tool missing; $NO_SETTING setting missing or wrong;
$NO_ENGINE the engine does not answer; $NO_SERVER no connection to the server; $NO_ENTRY token refused;
$NOT_TAKEN report refused; $NOT_READY server not ready.
HELP
}

say() { printf '%s: %s\n' "$NAME" "$*" >&2; }
tell() { [[ -z "$verbose" ]] || say "$@"; }
has() { command -v "$1" >/dev/null; }

# fail CODE TEXT
fail() {
    say "$2"
    return "$1"
}

# --- what it is told -------------------------------------------------------------------------------

read_options() {
    while (($#)); do
        case "$1" in
        --once) mode=once ;;
        --print) mode=print ;;
        --verbose) verbose=yes ;;
        --help | -h) help && exit 0 ;;
        --loop | --config)
            [[ $# -ge 2 ]] || fail "$USAGE" "$1 needs a value" || return
            if [[ "$1" == --loop ]]; then mode=loop interval="$2"; else config="$2"; fi
            shift
            ;;
        *) fail "$USAGE" "there is no option $1; --help shows those that are" || return ;;
        esac
        shift
    done
    [[ "$mode" != loop || "$interval" =~ ^[1-9][0-9]{0,5}$ ]] ||
        fail "$USAGE" "--loop needs a number of seconds, found '$interval'"
}

# The environment counts before the files, the first file before the second.
read_settings() {
    local name file files=(/etc/argos/agent.env /etc/archnest/agent.env)
    for name in "${!ARGOS_@}" "${!ARCHNEST_@}"; do
        settings[$name]="${!name}"
        unset "$name" # no program that is started from here needs to know it
    done
    if [[ -n "$config" ]]; then
        files=("$config")
        [[ -r "$config" ]] || fail "$NO_SETTING" "$config cannot be read" || return
    fi
    for file in "${files[@]}"; do
        [[ ! -r "$file" ]] || read_file "$file"
    done
}

# Lines NAME=VALUE as systemd reads them; nothing in it is run.
read_file() {
    local line name value
    while IFS= read -r line || [[ -n "$line" ]]; do
        [[ "${line%$'\r'}" =~ ^[[:space:]]*(export[[:space:]]+)?((ARGOS|ARCHNEST)_[A-Z_]+)=(.*)$ ]] || continue
        name="${BASH_REMATCH[2]}" value="${BASH_REMATCH[4]}"
        value="${value%"${value##*[![:space:]]}"}"
        if [[ "$value" =~ ^\"(.*)\"$ || "$value" =~ ^\'(.*)\'$ ]]; then value="${BASH_REMATCH[1]}"; fi
        settings[$name]="${settings[$name]-$value}"
    done <"$1"
}

setting() { printf '%s' "${settings[ARGOS_$1]:-${settings[ARCHNEST_$1]:-${2-}}}"; }

require_tools() {
    local tool
    engine="$(setting ENGINE)"
    if [[ -z "$engine" ]]; then
        engine=docker
        has docker || ! has podman || engine=podman
    fi
    for tool in "$engine" jq curl; do
        has "$tool" ||
            fail "$NO_TOOL" "$tool is not installed; get it with: apt install ${tool/%docker/docker.io}" || return
    done
}

check_settings() {
    host_id="$(setting HOST_ID)"
    if [[ "$mode" == print ]]; then
        host_id="${host_id:-${HOSTNAME-}}"
        return
    fi
    [[ "$host_id" =~ ^[A-Za-z0-9._-]{1,128}$ ]] || fail "$NO_SETTING" \
        "ARGOS_HOST_ID: expected a name of letters, digits, dots, dashes and underscores, found '$host_id'" || return
    check_server && read_token && check_pace
}

check_server() {
    server="$(setting URL)"
    server="${server%/}" server="${server%/api/agents/docker/report}"
    [[ "$server" =~ ^https?://[^/@[:space:]?#]+(/[^@[:space:]?#]*)?$ ]] || fail "$NO_SETTING" \
        "ARGOS_URL: expected where the server is, as in https://argos.example.com, without a name, query or password" || return
    ca_file="$(setting CA_FILE)"
    [[ -z "$ca_file" || -r "$ca_file" ]] || fail "$NO_SETTING" "ARGOS_CA_FILE: $ca_file cannot be read"
}

read_token() {
    local file
    file="$(setting AGENT_TOKEN_FILE)"
    token="$(setting AGENT_TOKEN)"
    if [[ -z "$token" && -n "$file" ]]; then
        [[ -r "$file" ]] || fail "$NO_SETTING" "ARGOS_AGENT_TOKEN_FILE: $file cannot be read" || return
        token="$(<"$file")"
        token="${token%$'\r'}"
    fi
    [[ -n "$token" ]] || fail "$NO_SETTING" \
        "ARGOS_AGENT_TOKEN is not set, nor ARGOS_AGENT_TOKEN_FILE; 'argos-gitops token' makes one for this host" || return
    [[ "$token" =~ ^[!-~]([ -~]*[!-~])?$ && ! "$token" =~ [\"\\] ]] || fail "$NO_SETTING" \
        "ARGOS_AGENT_TOKEN: expected letters, digits and signs on one line; its value is not shown"
}

# Only a server of ours is known to understand a heartbeat.
check_pace() {
    local name
    heartbeat="$(setting HEARTBEAT "${settings[ARGOS_URL]:+1}")"
    full_every="$(setting FULL_EVERY 300)"
    retry_wait="$(setting RETRY_WAIT 1)"
    for name in full_every retry_wait; do
        [[ "${!name}" =~ ^[0-9]{1,5}$ ]] ||
            fail "$NO_SETTING" "ARGOS_${name^^}: expected a number of seconds, found '${!name}'" || return
    done
}

# --- what it sees ----------------------------------------------------------------------------------

# Sets `report`, and `digest`: an identity of what is in it but statistics and wording (`Up 3 hours`).
make_report() {
    local seen parts
    seen="$(look)" || return
    mapfile -t parts < <(jq --null-input --raw-output --arg host_id "$host_id" --arg hostname "${HOSTNAME-}" \
        --arg version "$VERSION" --arg now "$(date -u +%Y-%m-%dT%H:%M:%SZ)" --from-file <(as_report) <<<"$seen")
    [[ ${#parts[@]} -eq 2 ]] || fail "$NO_ENGINE" "jq cannot read what $engine says; jq 1.6 or newer is needed" || return
    digest="$(identity_of "${parts[0]}")"
    report="${parts[1]}"
    [[ "$heartbeat" != 1 || -z "$digest" ]] || report="{\"digest\":\"$digest\",${report#\{}"
}

# All that the engine tells, as JSON values one after the other. A container that goes while it is looked
# at makes `inspect` fail: then it looks again.
look() {
    local ids statuses inspected attempt
    for attempt in 1 2 3 4 5; do
        statuses="$(ask ps --all --no-trunc --format '{"seen":"status","id":"{{.ID}}","status":{{json .Status}}}')" ||
            fail "$NO_ENGINE" "$engine does not answer: is it running, and may this user ask it?" || return
        mapfile -t ids < <(sed -n 's/^{"seen":"status","id":"\([0-9a-f]*\)".*/\1/p' <<<"$statuses")
        inspected=''
        if [[ ${#ids[@]} -eq 0 ]] || inspected="$(ask inspect --type container --format '{{json .}}' "${ids[@]}")"; then
            printf '%s\n' "$statuses" "$inspected"
            look_aside "${#ids[@]}"
            return 0
        fi
        tell "containers went while they were looked at (attempt $attempt)"
    done
    fail "$NO_ENGINE" "$engine cannot tell about all of its containers"
}

# look_aside CONTAINERS: what a report can do without.
look_aside() {
    [[ "$1" -gt 0 ]] || return 0
    ask images --no-trunc --digests \
        --format '{"seen":"image","id":"{{.ID}}","repository":"{{.Repository}}","digest":"{{.Digest}}"}' ||
        say "$engine does not tell the digests of its images"
    ask stats --no-stream --no-trunc --format \
        '{"seen":"stats","id":"{{.ID}}","cpu":"{{.CPUPerc}}","memory":"{{.MemUsage}}","net":"{{.NetIO}}","block":"{{.BlockIO}}"}' ||
        say "$engine does not tell statistics"
}

# No engine that hangs makes this script hang.
ask() {
    if has timeout; then
        timeout "$ENGINE_SECONDS" "$engine" "$@"
    else
        "$engine" "$@"
    fi
}

identity_of() {
    local sum=(sha256sum)
    has sha256sum || sum=(shasum -a 256)
    has "${sum[0]}" || return 0
    sum=("$("${sum[@]}" <<<"$1")")
    printf '%s' "${sum[0]%% *}"
}

# What it saw, as two lines: what the digest is made of, and the report (docs/docker-hosts.md).
# The rules for secrets are the server's, argos_gitops/model/masking.py.
as_report() {
    cat <<'JQ'
# --- secrets

def mask: "********";
def between: "\u001e";  # parts the texts that are searched in one go, and is in none of them

def secret_name: test("pass|secret|token|key|private|credential"; "i");
def switch: . == "" or . == "true" or . == "false";

# Every match becomes what its group holds, and the mask.
def masked($pattern):
  . as $text
  | reduce match($pattern; "gi") as $found ({at: 0, text: ""};
      .text += $text[.at:$found.offset] + ($found.captures[0].string // "") + mask
      | .at = $found.offset + $found.length)
  | .text + $text[.at:];

def secrets_masked:
  "\\b[\\w.-]{0,100}(?:pass|secret|token|key|private|credential)[\\w.-]{0,100}" as $name
  | "(?:\\*{8}|\"[^\"\u001e]*\"|'[^'\u001e]*'|[^\\s\"',;&|\u001e]+)" as $value
  | masked("-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:[^\u001e]*?-----END [A-Z ]{0,40}-----|[^\u001e]*)")
  | masked("(://)[^/\\s\"'\u001e]*(?=@)")
  | masked("(\\bauthorization[\"']?\\s{0,9}[:=]\\s{0,9}(?:(?:bearer|basic|digest|token)\\s{1,9})?)" + $value)
  | masked("(\\b(?:bearer|basic)\\s{1,9})[\\w+/.~=-]{16,}")
  | masked("(" + $name + "[\"']?\\s{0,9}[:=]\\s{0,9})" + $value)
  | masked("((?<!\\w)--?" + $name + "\\s{1,9})(?!-)" + $value)
  | masked("((?<!\\S)(?:-u|--user)[ =]?[^\\s:\u001e]{1,100}:)[^\\s\u001e]+")
  | masked("(\\b(?:mysql|mariadb)[\\w-]{0,20}\\s(?:[^|;&\u001e]{0,200}?\\s)?-p)[^\\s\u001e]+")
  | masked("(\\b(?:redis|valkey)-cli\\s(?:[^|;&\u001e]{0,200}?\\s)?-a\\s{1,9})[^\\s\u001e]+")
  | masked("()(?:\\${1,2}(?:2[aby]|apr1|argon2[a-z]{0,2}|[156y])\\${1,2}[^\\s\"',\u001e]+|\\{SHA\\d{0,3}\\}[\\w+/=]+)")
  | masked("()\\b(?:gh[opsru]_\\w{20,}|github_pat_\\w{20,}|gl[a-z]{1,5}-[\\w-]{16,}|xox[a-z]-[\\w-]{10,}|sk-[\\w-]{16,}"
      + "|akia[0-9a-z]{16}|hvs\\.[\\w-]{16,}|whsec_[\\w+/=]{16,}|age-secret-key-1\\w+"
      + "|eyJ[\\w-]{8,}\\.[\\w-]{4,}(?:\\.[\\w-]*)?)");

# One by one, as where an argument ends is known only here.
def arguments_masked:
  any(.[]; test("\\b(?:redis|valkey)-cli")) as $redis
  | any(.[]; test("\\b(?:mysql|mariadb)")) as $mysql
  | reduce .[] as $argument ({texts: [], last: ""};
      .last as $last
      | ($argument | index("=")) as $equals
      | .texts += [$argument
          | if $equals and (.[:$equals] | test("^[\\w.-]+$") and secret_name) and (.[$equals + 1:] | switch | not)
            then .[:$equals + 1] + mask
            elif startswith("-") or switch then
              if $mysql and startswith("-p") and length > 2 then "-p" + mask else . end
            elif $last | startswith("-") and (contains("=") | not) and secret_name then mask
            elif ($last == "-u" or $last == "--user") and contains(":") then split(":")[0] + ":" + mask
            elif $redis and $last == "-a" then mask
            else . end]
      | .last = $argument)
  | .texts;

# All texts of a container together: to compile a pattern for each takes ten times as long.
def texts_masked:
  [path(.arguments[], (.env, .labels, .log_options)[].value)] as $places
  | [getpath($places[]) | split(between) | join("")] as $texts
  | ($texts | join(between) | secrets_masked | split(between)) as $masked
  | reduce range($places | length) as $at (.; setpath($places[$at]; $masked[$at] // ""));

def pairs: . // {} | to_entries | map(.value |= (. // "" | tostring));
def settings_masked:
  map(if (.key | secret_name) and (.value | switch | not) then .value = mask else . end);

def masked_parts:
  .Config as $config
  | {
      arguments: (($config.Cmd // [] | if length > 0 then . else null end) // [.Path // empty, .Args[]?])
        | map(tostring) | arguments_masked,
      env: ($config.Env // [] | map(index("=") as $at
        | {key: .[:$at // length], value: (if $at then .[$at + 1:] else "" end)}
        | if .key | secret_name then .value = mask else . end)),
      labels: ($config.Labels | pairs | settings_masked),
      log_options: (.HostConfig.LogConfig.Config | pairs | settings_masked)
    }
  | texts_masked;

def quoted: if test("^[\\w@%+=:,./*-]+$") then . else "'" + (split("'") | join("'\\''")) + "'" end;

# --- numbers and times

def bytes:
  (capture("^(?<count>[0-9.]+) ?(?<unit>[A-Za-z]*)$") // null) as $size
  | ({"": 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12, pb: 1e15,
      kib: 1024, mib: 1048576, gib: 1073741824, tib: 1099511627776, pib: 1125899906842624}
     [$size.unit | ascii_downcase]) as $factor
  | $size.count | tonumber * $factor | round;
def both: split(" / ") | map(bytes);

# In UTC and whole seconds; the year 1 where it never was, as engines write it.
def moment:
  (. // "" | capture("^(?<time>[0-9-]+T[0-9:]+)(?:\\.[0-9]+)?(?:Z|(?<sign>[+-])(?<hours>[0-9]{2}):(?<minutes>[0-9]{2}))$")
    // {time: "0001-01-01T00:00:00"})
  | if .sign == null then .time + "Z"
    else (.time + "Z" | fromdateiso8601)
      - ((.sign + "1" | tonumber) * ((.hours | tonumber) * 3600 + (.minutes | tonumber) * 60)) | todate
    end;

# --- a container

# Podman has states of its own.
def state:
  {configured: "created", initialized: "created", stopping: "running", stopped: "exited",
    removing: "dead", unknown: "dead"}[.] // .;

def published:
  (if .State.Running then .NetworkSettings.Ports else .HostConfig.PortBindings end) // {}
  | [to_entries[] | (.key | split("/")) as [$port, $proto] | .value[]? | select((.HostPort // "") != "")
      | {hostIp: (.HostIp // "" | if . == "" then "0.0.0.0" else . end), hostPort: (.HostPort | tonumber),
          containerPort: ($port | tonumber), proto: ($proto // "tcp")}]
  | unique;

def attached:
  [.NetworkSettings.Networks // {} | to_entries[]
    | {name: .key, ip: (.value | [.IPAddress, .GlobalIPv6Address] | map(select((. // "") != "")) | .[0] // "")}];

def mounted:
  [.Mounts[]? | {type: (.Type // "bind"), source: (if .Type == "volume" then .Name else .Source end // ""),
      destination: .Destination, rw: (.RW // false)}]
  + [.HostConfig.Tmpfs // {} | to_entries[] | {type: "tmpfs", source: "", destination: .key,
      rw: (.value | split(",") | index("ro") | not)}]
  | unique_by(.destination);

def processors:
  if (.NanoCpus // 0) > 0 then .NanoCpus / 1e9
  elif (.CpuQuota // 0) > 0 then .CpuQuota / (if (.CpuPeriod // 0) > 0 then .CpuPeriod else 1e5 end)
  else 0 end;

# Where there is no limit, there is a 0. A seccomp profile is long, and says little to people.
def security($log_options):
  .HostConfig as $host
  | {
      user: (.Config.User // ""),
      capAdd: [$host.CapAdd[]? | ltrimstr("CAP_")],
      capDrop: [$host.CapDrop[]? | ltrimstr("CAP_")],
      securityOpt: [$host.SecurityOpt[]? | if startswith("seccomp={") then "seccomp=custom" else . end],
      readOnlyRootfs: ($host.ReadonlyRootfs // false),
      privileged: ($host.Privileged // false),
      limits: {
        cpus: ($host | processors),
        memoryBytes: ($host.Memory // 0),
        pids: ([$host.PidsLimit // 0, 0] | max)
      },
      logDriver: ($host.LogConfig.Type // ""),
      logOptions: $log_options,
      networkMode: ($host.NetworkMode // "")
    };

def restart_policy:
  .HostConfig.RestartPolicy // {}
  | if (.Name // "") == "" then "no"
    elif .Name == "on-failure" and (.MaximumRetryCount // 0) > 0 then "on-failure:\(.MaximumRetryCount)"
    else .Name end;

def image_id: if . == "" or startswith("sha256:") then . else "sha256:" + . end;

def container:
  masked_parts as $parts
  | {
      id: .Id,
      name: (.Name | ltrimstr("/")),
      image: (.Config.Image // .ImageName // ""),
      imageId: (.Image // "" | image_id),
      state: (.State.Status | state),
      createdAt: (.Created | moment),
      startedAt: (.State.StartedAt | moment),
      restartCount: (.RestartCount // 0),
      restartPolicy: restart_policy,
      health: (.State.Health // .State.Healthcheck // {} | .Status // "" | if . == "" then "none" else . end),
      ports: published,
      networks: attached,
      mounts: mounted,
      env: $parts.env,
      command: ($parts.arguments | map(quoted) | join(" ")),
      labels: ($parts.labels | from_entries),
      security: security($parts.log_options | from_entries)
    }
    + (if .State.Running or .State.Paused then {} else {exitCode: (.State.ExitCode // 0)} end);

def statistics:
  (.memory | both) as [$used, $limit] | (.net | both) as [$in, $out] | (.block | both) as [$read, $written]
  | {cpuPercent: (.cpu | rtrimstr("%") | tonumber), memUsage: $used, memLimit: $limit,
      netRxBytes: $in, netTxBytes: $out, blockReadBytes: $read, blockWriteBytes: $written};

# --- the report

# Podman answers with one list of containers, Docker with one after the other.
reduce (inputs | if type == "array" then .[] else . end) as $seen ({containers: [], status: {}, stats: {}, digests: {}};
  if $seen.seen == "status" then .status[$seen.id] = $seen.status
  elif $seen.seen == "stats" then .stats[$seen.id[:12]] = ($seen | try statistics catch null)
  elif $seen.seen == "image" then
    if $seen.digest | startswith("sha256:")
    then .digests[$seen.id | image_id] += ["\($seen.repository)@\($seen.digest)"] else . end
  else .containers += [$seen | container] end)
| . as {$status, $stats, $digests}
| .containers
| map(.status = ($status[.id] // "") | .imageDigests = ($digests[.imageId] // [] | unique)
    | $stats[.id[:12]] as $numbers | if $numbers and has("exitCode") == false then .stats = $numbers else . end)
| sort_by(.name)
| (map(del(.stats, .status)) | tojson),
  ({hostId: $host_id, hostname: $hostname, agentVersion: $version, reportedAt: $now, containers: .} | tojson)
JQ
}

# --- how it is sent --------------------------------------------------------------------------------

report() {
    local now
    make_report || return
    now="$(date +%s)"
    if may_be_short "$now"; then
        post "$(short_report)"
        case "$answer" in
        2?? | 000 | 401 | 403 | 5??) conclude "said that nothing changed" && return || return ;;
        *) tell "the server asks for a whole report" ;; # it forgot the last one, or knows no short ones
        esac
    fi
    post "$report"
    conclude "reported ${#report} bytes" || return
    remember "$now"
}

report_forever() {
    trap 'exit 0' TERM INT
    while :; do
        report || say "the next attempt is in $interval s"
        sleep "$interval" &
        wait "$!"
    done
}

# may_be_short NOW: the same was reported, whole, to the same server, and not long ago.
may_be_short() {
    local last_digest last_time last_target
    [[ "$heartbeat" == 1 && -n "$digest" && -r "$(state_file)" ]] || return
    read -r last_digest last_time last_target <"$(state_file)" || return
    [[ "$last_digest" == "$digest" && "$last_target" == "$host_id $server" && "$last_time" =~ ^[0-9]+$ ]] &&
        (($1 >= last_time && $1 - last_time < full_every))
}

short_report() {
    jq --null-input --compact-output --arg hostId "$host_id" --arg hostname "${HOSTNAME-}" \
        --arg agentVersion "$VERSION" --arg reportedAt "$(date -u +%Y-%m-%dT%H:%M:%SZ)" \
        --arg unchangedSince "$digest" '{$hostId, $hostname, $agentVersion, $reportedAt, $unchangedSince}'
}

# remember NOW: when it cannot, every report is a whole one.
remember() {
    local file
    [[ "$heartbeat" == 1 && -n "$digest" ]] || return 0
    file="$(state_file)"
    if mkdir -p "${file%/*}" 2>/dev/null && [[ -w "${file%/*}" ]]; then
        printf '%s %s %s\n' "$digest" "$1" "$host_id $server" >"$file.new" && mv "$file.new" "$file"
    else
        tell "${file%/*} cannot be written, so that every report is a whole one"
    fi
}

state_file() { printf '%s/last-report' "$(setting STATE "${STATE_DIRECTORY:-/var/lib/$NAME}")"; }

# post BODY: sets `answer` to the HTTP status, 000 without one, and `told` to what the server said.
# Tries again while it may help.
post() {
    local attempt wait_for="$retry_wait"
    for ((attempt = 1; ; attempt++)); do
        told="$(send <<<"$1")"
        answer="${told##*$'\n'}" told="${told%$'\n'*}"
        [[ "$answer" =~ ^[0-9]{3}$ ]] || answer=000
        case "$answer" in
        000 | 429 | 5??) ((attempt < ATTEMPTS)) || return 0 ;;
        *) return 0 ;;
        esac
        sleep $((wait_for + (wait_for > 0 ? RANDOM % wait_for : 0)))
        wait_for=$((wait_for * 2))
    done
}

# The token is read from a pipe, so that no list of processes shows it.
send() {
    local secret="header = \"Authorization: Bearer $token\"" options=(--silent --show-error)
    options+=(--connect-timeout "$CONNECT_SECONDS" --max-time "$SEND_SECONDS")
    [[ -z "$ca_file" ]] || options+=(--cacert "$ca_file")
    curl --disable --config <(printf '%s\n' "$secret") "${options[@]}" --header 'Content-Type: application/json' \
        --header 'Expect:' --data-binary @- --write-out '\n%{http_code}' "$server/api/agents/docker/report" 2>&1
}

# conclude DONE: says what became of it, and what to do about it.
conclude() {
    local reasons
    reasons="$(printf '%s' "${told//"$token"/********}" | tr -d '\000-\037\177' | cut -c1-600)"
    case "$answer" in
    2??) tell "$1 to $server" ;;
    000) fail "$NO_SERVER" "no connection to $server ($reasons)" ;;
    401) fail "$NO_ENTRY" "$server refuses the token: compare ARGOS_AGENT_TOKEN with the server's, or let it make a new one" ;;
    403) fail "$NO_ENTRY" "$server refuses the token for ARGOS_HOST_ID=$host_id: it is another host's" ;;
    413) fail "$NOT_TAKEN" "$server finds a report of ${#report} bytes too large: raise its limit, or remove old containers" ;;
    400) fail "$NOT_TAKEN" "$server finds mistakes in the report; agent and server may be of different versions: $reasons" ;;
    503) fail "$NOT_READY" "$server takes no reports: is its ARGOS_AGENT_TOKEN set, or is it busy? $reasons" ;;
    429 | 5??) fail "$NOT_READY" "$server is not able to take the report (HTTP $answer): $reasons" ;;
    *) fail "$NOT_TAKEN" "$server answers HTTP $answer; is ARGOS_URL right? $reasons" ;;
    esac
}

main "$@"
