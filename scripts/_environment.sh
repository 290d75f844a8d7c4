# shellcheck shell=bash
# Shared by the scripts beside it, sourced and never run: where things are, how they speak, the
# environment they run in.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"
COMPONENTS="${ARGOS_COMPONENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/argos-gitops/components}"
export ARGOS_COMPONENTS="$COMPONENTS"

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# The environment that the lock file describes; made again only when the lock file has changed.
ensure_environment() {
    local lock="$ROOT/requirements-dev.lock" stamp="$VENV/.installed"
    if [[ -f "$stamp" ]] && cmp --silent "$stamp" "$lock"; then
        return
    fi
    command -v python3 >/dev/null || die "python3 is missing; on Debian: apt install python3 python3-venv"
    say "making the environment in .venv (once)"
    [[ -x "$VENV/bin/python" ]] || python3 -m venv "$VENV" || die "python3-venv is missing; on Debian: apt install python3-venv"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$lock"
    "$VENV/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable "$ROOT"
    cp "$lock" "$stamp"
}

# Formatting, lint, types and layers; unlike tests, they need no component. Tells all that is wrong.
check_code() {
    local failed=0
    cd "$ROOT" || exit
    "$VENV/bin/ruff" format --check --quiet . || failed=1
    "$VENV/bin/ruff" check --quiet . || failed=1
    "$VENV/bin/mypy" --no-error-summary || failed=1
    "$VENV/bin/lint-imports" --no-cache >/dev/null || "$VENV/bin/lint-imports" --no-cache || failed=1
    "$VENV/bin/shellcheck" --external-sources scripts/{_environment.sh,bare,check,components,demo,generate,lock,test} \
        compose/make-secrets .ci/run argos_gitops/providers/docker/push/*.sh || failed=1
    return "$failed"
}
