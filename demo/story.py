"""The steps of the demo, in order. Each explains itself in one line."""

import textwrap
from collections.abc import Iterable

import httpx

from demo.containers import DOMAIN, TeaShop
from demo.proof import DemoFailedError, bans_that_stand, hosts_that_answer
from demo.stage import INSTANCE, Finished, Stage

STATUS_BRANCH = f"argos/status/{INSTANCE}"
CHANGES_PENDING = 2
_README_LINES = 24


class Story:
    """Tells the steps on a stage; raises DemoFailedError when one does not end as it should."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._steps = 0

    def tell(self) -> None:
        self._set_up()
        self._first_apply()
        self._change()
        self._drift()
        self._rest()
        self._containers()

    def _set_up(self) -> None:
        stage = self._stage
        self._step(f"A real Caddy runs, its admin API at {stage.caddy.admin_url}; it serves nothing yet.")
        if stage.crowdsec is not None:
            self._step(f"A real CrowdSec runs, its LAPI at {stage.crowdsec.lapi_url}; it bans nobody yet.")
        else:
            self._step(
                "CrowdSec is not here (scripts/components crowdsec needs apt): going on with Caddy alone."
            )
        stage.lay_out_repository()
        self._step(f"example-config/ is pushed to a bare git repository, {stage.repository.bare}.")

    def _first_apply(self) -> None:
        self._step("Is every file right? YAML, schema, types and references are checked.")
        self._say(self._argos("validate"))
        self._step("What would happen? Nothing is written yet.")
        self._say(self._argos("plan", "--detailed-exitcode", code=CHANGES_PENDING))
        self._step("It is applied: one write to Caddy, one alert for each ban to CrowdSec.")
        self._say(self._argos("apply", "--auto-approve"), last_lines=1)
        self._prove()
        self._step(f"What was seen and done is committed to the branch {STATUS_BRANCH}.")
        self._indent(self._stage.repository.log(STATUS_BRANCH))
        self._indent(_head(self._stage.repository.show(STATUS_BRANCH, "README.md"), _README_LINES))

    def _change(self) -> None:
        stage = self._stage
        grafana, moved = stage.upstreams["127.0.0.1:3000"], stage.moved_grafana
        stage.repository.replace("services", grafana.address, moved.address)
        commit = stage.repository.push("Move grafana to its new server")
        self._step(f"Git moves: commit {commit} sends grafana to another server.")
        self._say(self._argos("plan"))
        self._argos("apply", "--auto-approve")
        self._expect(
            moved.name in stage.caddy.get("grafana.example.com", tls=True).text, "grafana did not move"
        )
        self._step("Applied: grafana.example.com answers from its new server.")

    def _drift(self) -> None:
        stage = self._stage
        _remove_route(stage, "wiki.example.com")
        self._step("The world moves: somebody removes wiki.example.com from Caddy by hand.")
        if stage.crowdsec is not None:
            stage.crowdsec.cscli("decisions", "delete", "--ip", "203.0.113.7")
            self._step("And somebody lifts the ban of 203.0.113.7 with cscli.")
        self._say(self._argos("plan"))
        self._argos("apply", "--auto-approve")
        self._step("Repaired; all of it is proved again.")
        self._prove()

    def _rest(self) -> None:
        self._step("Live and git agree: there is nothing to do, and nothing new on the status branch.")
        commits = self._stage.repository.log(STATUS_BRANCH)
        self._say(self._argos("apply", "--auto-approve"), last_lines=1)
        self._expect(self._stage.repository.log(STATUS_BRANCH) == commits, "an idle pass made a commit")
        self._indent(commits)

    def _containers(self) -> None:
        stage = self._stage
        if stage.engine is None:
            self._step(
                "An engine needs root and namespaces (sudo scripts/demo has both): done with the edge."
            )
            return
        shop = TeaShop(stage.repository, stage.engine)
        self._step(f"A real Docker engine runs. Commit {shop.open()} brings a Compose file made for Traefik.")
        self._say(self._argos("plan"))
        self._argos("apply", "--auto-approve")
        self._expect(self._tea_is_served(), f"{DOMAIN} is not served")
        self._step(f"Applied: its container runs, and Caddy serves {DOMAIN}, as its label says.")
        self._step(f"Commit {shop.spoil()} brings an image that ends at once.")
        self._say(self._argos("apply", "--auto-approve", code=1), last_lines=6)
        self._expect(self._tea_is_served(), f"{DOMAIN} is not served any more")
        self._step(f"The stack went back by itself: {DOMAIN} is served as before, and status says why.")

    def _tea_is_served(self) -> bool:
        return "stand-in" in self._stage.caddy.get(DOMAIN, tls=True).text

    def _prove(self) -> None:
        self._step("Each host is asked through Caddy:")
        self._indent("\n".join(hosts_that_answer(self._stage)))
        if self._stage.crowdsec is not None:
            self._step("The bans stand in LAPI, and the partner's network is spared:")
            self._indent("\n".join(bans_that_stand(self._stage)))

    def _argos(self, *arguments: str, code: int = 0) -> Finished:
        done = self._stage.argos(*arguments)
        self._expect(done.code == code, f"{done.command} ended with {done.code}:\n{done.text}")
        return done

    def _say(self, done: Finished, last_lines: int | None = None) -> None:
        lines = done.text.strip().splitlines()
        self._indent("\n".join([f"$ {done.command}", *(lines[-last_lines:] if last_lines else lines)]))

    def _expect(self, right: bool, otherwise: str) -> None:
        if not right:
            raise DemoFailedError(otherwise)

    def _step(self, text: str) -> None:
        self._steps += 1
        print(f"{self._steps:>2}  {text}", flush=True)

    def _indent(self, text: str) -> None:
        print(textwrap.indent(text.rstrip(), "      "), flush=True)


def _head(text: str, lines: int) -> str:
    return "\n".join(text.splitlines()[:lines])


def _remove_route(stage: Stage, domain: str) -> None:
    """What somebody with curl does to a domain that bothers them."""
    servers = stage.caddy.config("apps/http/servers")
    for name, server in servers.items():
        for index, route in enumerate(server.get("routes", ())):
            if domain in _domains(route):
                httpx.delete(f"{stage.caddy.admin_url}/config/apps/http/servers/{name}/routes/{index}")
                return
    raise DemoFailedError(f"{domain} has no route in Caddy")


def _domains(route: dict[str, object]) -> Iterable[str]:
    matchers = route.get("match")
    assert isinstance(matchers, list)
    return [domain for matcher in matchers for domain in matcher.get("host", ())]
