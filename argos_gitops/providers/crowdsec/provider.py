"""The provider: one Edge's CrowdSec, looked at, planned for and written to."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

import httpx

from argos_gitops.model.adoption import Adoption, Unsayable
from argos_gitops.model.change import Change, Outcome
from argos_gitops.model.condition import Condition
from argos_gitops.model.errors import SettingsError, TerminalError, TransientError
from argos_gitops.model.objects import Content, ObjectSet, digest_of
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.provider import DesiredState, LiveState, Network, ProviderContext, Target, Watch
from argos_gitops.providers.crowdsec.adopt import adoption_of
from argos_gitops.providers.crowdsec.allowed import AllowedByLapi, allowed_now
from argos_gitops.providers.crowdsec.answers import as_lapi_tells
from argos_gitops.providers.crowdsec.apply import Writer
from argos_gitops.providers.crowdsec.attribution import History
from argos_gitops.providers.crowdsec.client import LapiClient, Login
from argos_gitops.providers.crowdsec.compile import Compiler
from argos_gitops.providers.crowdsec.fields import difference, fields_of, taken_out
from argos_gitops.providers.crowdsec.geo import GeoDatabase
from argos_gitops.providers.crowdsec.hazards import hazards_of
from argos_gitops.providers.crowdsec.kinds import CountryBanSpec
from argos_gitops.providers.crowdsec.marks import countries_source, source
from argos_gitops.providers.crowdsec.observe import (
    CrowdSecLive,
    Standing,
    active_under,
    ever_under,
    same_bans,
    standing_of,
)
from argos_gitops.providers.crowdsec.settings import CrowdSecSettings
from argos_gitops.providers.crowdsec.skew import refuse_skew, skew_notice
from argos_gitops.providers.crowdsec.tls import Tls, tls_of
from argos_gitops.providers.crowdsec.turn import Turn
from argos_gitops.providers.crowdsec.verify import conditions_of

_DECISIONS, _COUNTRIES = "decisions", "countries"
_WATCHES = (Watch(_DECISIONS, timedelta(seconds=60)), Watch(_COUNTRIES, timedelta(minutes=5)))


class CrowdSecProvider:
    """Implements ports.provider.Provider for the `crowdsec:` section of one Edge."""

    def __init__(
        self, target: Target, context: ProviderContext, transport: httpx.BaseTransport | None = None
    ) -> None:
        settings = target.section("crowdsec", CrowdSecSettings)
        if settings is None:
            raise TerminalError(f"{target.key} has no crowdsec section", reason="NoSection")
        self._edge = target.key.name
        self._settings = settings
        self._context = context
        self._geo = GeoDatabase(context.settings, context.cache_dir, context.progress)
        self._compiler = Compiler(self._edge, settings.renewal_margin)
        self._turn = Turn(context.cache_dir, self._edge, settings.lapi_url)
        self._client = LapiClient(
            Login(settings.lapi_url.rstrip("/"), settings.machine.id, self._password, self._tls),
            context.timeout,
            transport,
            context.clock.now,
        )
        self._remarks: dict[str, Sequence[str]] = {}
        self._seen: CrowdSecLive | None = None
        self._said: dict[tuple[str, str, str], str] = {}

    def observe(self) -> CrowdSecLive:
        self._geo.refresh()
        self._turn.settle()
        turn = self._turn.last()
        standing, ahead = self._read(source(self._edge), countries_source(self._edge))
        allowed, amiss = self._allowed()
        notices = (self._geo.stale(), skew_notice(ahead), amiss)
        self._seen = CrowdSecLive(
            standing=standing,
            observed_at=self._context.clock.now(),
            turn=turn,
            notices=[each for each in notices if each is not None],
            ahead=ahead,
            allowed=allowed,
            observed_monotonic=time.monotonic(),
        )
        return self._seen

    def fingerprint(self, desired: DesiredState) -> str:
        return self._geo.digest if desired.resources.of(CountryBanSpec) else ""

    def compile(self, desired: DesiredState, live: LiveState) -> ObjectSet:
        seen = _ours(live)
        objects, self._remarks = {}, {}
        bans = self._compiler.bans(desired.resources, seen, self._geo.ranges, self._geo.digest)
        for ban, managed in bans:
            objects[managed.id] = managed
            found = seen.objects.get(managed.id)
            if found is None or found.content != managed.content:
                before = found.content["values"] if found is not None else ()
                delta = difference(before, managed.content["values"])
                remarks = [*([delta] if delta else []), *taken_out(ban.taken)]
                self._remarks[managed.digest] = remarks
        return objects

    def notices(self, desired: DesiredState) -> Sequence[Failure]:
        """One for each country that cannot be expanded; each then keeps what stands."""
        bans = desired.resources.of(CountryBanSpec).values()
        found = [_taken_out(key, names) for key, names in self._compiler.wholly_taken.items()]
        for ban in bans:
            if ban.spec.edge == self._edge:
                ranges = self._geo.ranges(ban.spec.country)
                failure = self._geo.failure() if ranges is None else None
                if failure is not None:
                    found.append(Failure(failure.reason, failure.message, ban.key))
                elif not any(ranges or ()):
                    found.append(_unknown_country(ban.spec.country, ban.key))
        return found

    def fields(self, content: Content) -> Mapping[str, str]:
        return fields_of(content, self._remarks.get(digest_of(content), ()) if self._remarks else ())

    def attribute(self, live: LiveState, changes: Sequence[Change]) -> Mapping[str, str]:
        """Reads LAPI once more, ended decisions too; what was said of a drift is said again."""
        known = {_identity(change): self._said.get(_identity(change)) for change in changes}
        if None in known.values():
            history = self._history(changes)
            known = {_identity(c): known[_identity(c)] or history.note(c) for c in changes}
        self._said = {identity: note for identity, note in known.items() if note is not None}
        return {object_id: note for (object_id, _, _), note in self._said.items() if note}

    def _history(self, changes: Sequence[Change]) -> History:
        sources = (source(self._edge), countries_source(self._edge))
        try:
            answers = [self._client.alerts(ever_under(each)) for each in sources]
        except TransientError:
            return History({})
        with as_lapi_tells(self._settings.lapi_url):
            return History.of(changes, answers, self._settings.decision_duration)

    def adopt(self, change: Change, desired: DesiredState) -> Adoption | Unsayable:
        return adoption_of(change, self._edge, desired.resources)

    def hazards(self, changes: Sequence[Change], protected: Sequence[Network]) -> Sequence[str]:
        return hazards_of(changes, protected, self._client.own_address)

    def apply(self, live: LiveState, changes: Sequence[Change]) -> Iterator[Outcome]:
        self._seen = None
        seen = _ours(live)
        now = self._context.clock.now()
        refuse_skew(seen.ahead_at(now, time.monotonic()))
        writer = Writer(self._client, self._turn, self._edge, self._settings, self._context.progress)
        return writer.write(seen, changes, now)

    def verify(
        self, desired: DesiredState, changes: Sequence[Change], recheck: Collection[ResourceKey] = ()
    ) -> Iterator[Condition]:
        """Reads LAPI again, unless somebody has looked since the last write."""
        owners = {change.owner for change in changes} | set(recheck)
        if not owners:
            return iter(())
        seen = self._seen or self.observe()
        return conditions_of(self.compile(desired, seen), seen, owners)

    def watches(self) -> Sequence[Watch]:
        return _WATCHES

    def moved(self, watch: str) -> bool:
        """Whether other bans stand than at the last look, however long they last.

        Decisions are read without the countries. To count a country exactly all its rows must be told.
        """
        if self._seen is None:
            return True
        if watch == _DECISIONS and self._allowed()[0] != self._seen.allowed:
            return True
        if watch == _DECISIONS:
            return not same_bans(self._read(source(self._edge))[0], self._seen.standing, "decision/")
        standing, _ = self._read(source(self._edge), countries_source(self._edge))
        return not same_bans(standing, self._seen.standing, "country/")

    def close(self) -> None:
        self._client.close()

    def _read(self, *sources: str) -> tuple[dict[str, Standing], timedelta]:
        """What stands, and by how much LAPI's clock is ahead of ours."""
        answers = [self._client.alerts(active_under(each)) for each in sources]
        with as_lapi_tells(self._settings.lapi_url):
            return standing_of(answers, self._settings.max_age), max(
                (each.ahead for each in answers), key=abs
            )

    def _allowed(self) -> tuple[Sequence[AllowedByLapi], Failure | None]:
        """LAPI's own allowlists, and what is amiss with them; none from a LAPI that is too old for them."""
        answer = self._client.allowlists()
        if answer is None:
            return (), None
        lists, now = answer
        with as_lapi_tells(self._settings.lapi_url):
            found, unreadable = allowed_now(lists, now)
        if not unreadable:
            return found, None
        message = f"LAPI's allowlists hold what is no address or range, and is passed over: {unreadable[0]}"
        return found, Failure("AllowlistUnreadable", message)

    def keep_alive(self) -> None:
        self._client.heartbeat()

    def _tls(self) -> Tls:
        try:
            return tls_of(self._settings, self._context.secrets)
        except SettingsError as error:
            raise TerminalError(f"Edge/{self._edge} crowdsec.tls: {error}", reason=error.reason) from error

    def _password(self) -> SecretValue:
        try:
            return self._context.credentials.resolve(self._settings.machine.password)
        except SettingsError as error:
            raise TerminalError(
                f"Edge/{self._edge} crowdsec.machine.password: {error}", reason=error.reason
            ) from error


def _identity(change: Change) -> tuple[str, str, str]:
    return change.object_id, digest_of(change.before), digest_of(change.after)


def _ours(live: LiveState) -> CrowdSecLive:
    if not isinstance(live, CrowdSecLive):
        raise TypeError(f"{type(live).__name__} was not observed by this provider")
    return live


def _taken_out(key: ResourceKey, names: str) -> Failure:
    """It bans nobody because somebody wants it so, which does not make it any less ready."""
    message = f"all of it is taken out by {names}; remove it, or the entry of that list"
    return Failure("AllowlistedInLapi", message, key, "Enforced")


def _unknown_country(country: str, key: ResourceKey) -> Failure:
    return Failure(
        "CountryWithoutRanges",
        f"the GeoIP database knows no range of {country}; what stands keeps standing",
        key,
    )
