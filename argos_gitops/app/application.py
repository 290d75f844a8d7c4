"""The composition: settings become sources, store, providers and one reconciler."""

import gc
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from argos_gitops.app.actor import person
from argos_gitops.app.ahead import FetchAhead
from argos_gitops.app.build import build_fingerprint
from argos_gitops.app.clock import SystemClock
from argos_gitops.app.collector import collect_and_set_aside, collector_paused
from argos_gitops.app.discovery import kind_registry, provider_specs
from argos_gitops.app.documents import dump_resource, parse_resource
from argos_gitops.app.expansion import Expansions
from argos_gitops.app.files import RepositoryFiles
from argos_gitops.app.log import Log
from argos_gitops.app.privacy import check_folder, private_files, tighten
from argos_gitops.app.settings import Settings, current_secret, load_settings
from argos_gitops.app.stores import Stores
from argos_gitops.manifests.loader import Loaded, Loader
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.model.agent import agent_of
from argos_gitops.model.errors import SettingsError
from argos_gitops.model.notification import NotificationChannelSpec
from argos_gitops.model.plan import Plan
from argos_gitops.model.resource import AnyResource, ResourceKey, ResourceSet
from argos_gitops.ports.job import Job
from argos_gitops.ports.lock import Locks
from argos_gitops.ports.progress import Progress
from argos_gitops.ports.provider import ProviderContext, ProviderSpec
from argos_gitops.ports.report import PassResult, Reporter
from argos_gitops.ports.secrets import Secrets
from argos_gitops.ports.source import Snapshot
from argos_gitops.reconcile.holds import orders_of
from argos_gitops.reconcile.parts import Approve, Documents, Parts
from argos_gitops.reconcile.reconciler import Reconciler
from argos_gitops.reconcile.systems import Systems
from argos_gitops.reconcile.trip import Outlook
from argos_gitops.secrets.identities import Identities
from argos_gitops.secrets.local import LocalSecrets
from argos_gitops.secrets.vault import Vault

if TYPE_CHECKING:
    from argos_gitops.app.forge import ForgeParts
    from argos_gitops.app.own_addresses import OwnAddresses
    from argos_gitops.model.secret import SecretValue
    from argos_gitops.notify.notifications import Notifications
    from argos_gitops.sources.open import SourceRequest, Verification
    from argos_gitops.status.read import StatusPages
    from argos_gitops.status.writer import StatusBranch
    from argos_gitops.vcs.branch import Branch
    from argos_gitops.vcs.environment import Credentials


class Application(Stores):
    """Everything of one process, made when it is first needed and kept until `close`."""

    def __init__(self, settings: Settings, environment: Mapping[str, str], progress: Progress) -> None:
        super().__init__(settings.store, settings.instance)
        self.settings = settings
        self._closers: list[Callable[[], None]] = []
        self.clock = SystemClock()
        identities = Identities(lambda: current_secret("age_key", environment), environment)
        self._vault = Vault(identities, settings.sops_keys)
        self._resolved = LocalSecrets(environment, self._vault)
        self.secrets: Secrets = self._resolved
        self._files = RepositoryFiles()
        self._loading = threading.Lock()
        self.environment = environment
        self.progress = progress
        self.deferral: Callable[[str, Reporter], Reporter] = _at_once
        """What is made of a reporter that talks to slow places; an agent tells them later."""

    def masked(self, encoded: str) -> str:
        """JSON without the secret values that were resolved by this process, for what is printed whole."""
        return self._resolved.masked(encoded)

    @property
    def registry(self) -> KindRegistry:
        return kind_registry()

    @property
    def specs(self) -> Sequence[ProviderSpec]:
        return provider_specs()

    @cached_property
    def source(self) -> FetchAhead:
        from argos_gitops.sources.open import open_source

        return FetchAhead(open_source(self.source_request))

    @property
    def source_request(self) -> "SourceRequest":
        """Which repository is read, and how."""
        from argos_gitops.sources.open import SourceRequest

        return SourceRequest(
            repo=self.settings.repo,
            cache=self.settings.cache_dir,
            ref=self.settings.branch,
            folder=self.settings.path,
            credentials=self._credentials,
            allow_rewrite=not self.settings.refuse_rewrite,
            verification=self._verification,
        )

    @property
    def _verification(self) -> "Verification | None":
        from argos_gitops.sources.open import Verification
        from argos_gitops.vcs.signatures import Keys

        settings = self.settings
        if settings.verify_commits == "off":
            return None
        keys = Keys(_path(settings.allowed_signers), _path(settings.openpgp_keys))
        record = settings.state_dir / "accepted-commits"
        return Verification(keys, settings.verify_commits == "strict", record)

    @property
    def _credentials(self) -> "Credentials":
        from argos_gitops.vcs.commits import Author
        from argos_gitops.vcs.environment import Credentials

        return Credentials(
            self.settings.git_token,
            _path(self.settings.ssh_key),
            _path(self.settings.known_hosts),
            renewed=self._git_token,
            environment=self.settings.git_environment,
            author=Author.parse(self.settings.commit_author, _path(self.settings.commit_signing_key)),
        )

    def _git_token(self) -> "SecretValue | None":
        """As it is now; while its file cannot be read, as it was at the start."""
        try:
            return current_secret("git_token", self.environment)
        except SettingsError:
            return self.settings.git_token

    @cached_property
    def loader(self) -> Loader:
        loader = self._new_loader()
        self._closers.append(loader.keep)
        return loader

    def _new_loader(self, workers: int | None = None) -> Loader:
        from argos_gitops.store.parse_cache import SqliteParseCache

        cache = SqliteParseCache(self.settings.cache_dir / "parse.sqlite3")
        return Loader(self.registry, cache, workers, build=build_fingerprint())

    @cached_property
    def actor(self) -> str:
        """Who does what this process does, for the audit log: a person, unless the agent says otherwise."""
        return person()

    @cached_property
    def locks(self) -> Locks:
        from argos_gitops.store.locks import open_locks

        folder = self.settings.state_dir / "locks"
        return open_locks(self.engine, self.settings.instance, self.replica, folder)

    @cached_property
    def own_addresses(self) -> "OwnAddresses":
        from argos_gitops.app.own_addresses import OwnAddresses

        path = self.settings.state_dir / "public-address.json"
        return OwnAddresses(self.settings.public_ip_url, path, self.clock)

    @cached_property
    def reconciler(self) -> Reconciler:
        reconciler = Reconciler(
            Parts(
                source=self.source,
                load=self.load,
                try_load=self._try_load,
                systems=Systems(self.specs, self.provider_context),
                inventory=self.inventory,
                status=self.statuses,
                locks=self.locks,
                clock=self.clock,
                documents=Documents(dump_resource, lambda text: parse_resource(text, self.registry)),
                build=build_fingerprint(),
                digest_key=lambda: self.digest_key,
                log=Log(self.settings.log_format),
                reporters=self._reporters,
                orders=lambda now: orders_of(self.controls, now),
                addresses=lambda: self.own_addresses.networks(),
                returning=self._returning,
                follow=self._follow,
                scheduled=lambda resources: {job.schedule for job in self.jobs(resources)},
            )
        )
        self._closers.append(reconciler.close)
        return reconciler

    def _returning(self, resource: AnyResource) -> bool:
        return any(spec.returning is not None and spec.returning(resource) for spec in self.specs)

    def jobs(self, resources: ResourceSet) -> Sequence[Job]:
        """What the resources ask for at certain times."""
        return [
            job
            for spec in self.specs
            if spec.jobs is not None
            for job in spec.jobs(resources, self.provider_context(spec))
        ]

    def branch(self, name: str) -> "Branch | None":
        """A branch of the config repository to write to; None for a folder without git."""
        from argos_gitops.status.open import open_branch

        return open_branch(self.settings.repo, name, self.settings.cache_dir, self._credentials)

    def status_pages(self) -> "StatusPages | None":
        """What stands on the status branch; None when there is none."""
        from argos_gitops.status.read import read_status

        agent = agent_of(self.load(self.source.fetch()).resources)
        branch = self.branch(agent.status.branch_of(self.settings.instance))
        return None if branch is None else read_status(branch)

    @property
    def shown_repo(self) -> str:
        """The repository without what might be secret in its URL."""
        from argos_gitops.vcs.address import redact_urls

        return redact_urls(self.settings.repo)

    @cached_property
    def notifications(self) -> "Notifications":
        """What people are told. An agent starts it; whoever ends soon sends at the end what is due."""
        from argos_gitops.notify.delivery import Sender
        from argos_gitops.notify.notifications import Notifications
        from argos_gitops.store.outbox import SqlOutbox

        instance = self.settings.instance
        notifications = Notifications(
            SqlOutbox(self.engine, instance),
            Sender(self.secrets, instance),
            self.clock,
            Log(self.settings.log_format),
        )
        self._closers.append(notifications.finish)
        return notifications

    @cached_property
    def status_branch(self) -> "StatusBranch":
        """What writes the status branch, and knows whether it may."""
        from argos_gitops.status.writer import StatusBranch

        return StatusBranch(self.settings.instance, self.branch)

    @cached_property
    def _slow_reporters(self) -> Mapping[str, Reporter]:
        """By the names of the parts of an agent that they are; what fails is kept for every command."""
        from argos_gitops.notify.watched import Watched
        from argos_gitops.reconcile.proposing import Proposing

        proposing = Proposing(lambda: self.forge.proposals, Log(self.settings.log_format))
        found = {"status-branch": self.status_branch, "forge": self.forge.reporter, "proposals": proposing}
        told = (self.notifications, self.statuses, self.clock)
        return {name: Watched(name.replace("-", " "), each, *told) for name, each in found.items()}

    @cached_property
    def forge(self) -> "ForgeParts":
        """What is told, proposed and planned where people review the repository."""
        from argos_gitops.app.forge import ForgeParts

        forge = ForgeParts(self, self._try_load)
        self._closers.append(forge.close)
        return forge

    @cached_property
    def _audit_reporter(self) -> Reporter:
        from argos_gitops.store.audit_report import AuditReporter

        return AuditReporter(self.audit, self.actor)

    def _reporters(self) -> Sequence[Reporter]:
        """Made when the first pass ends: planning never reports."""
        return (
            self._audit_reporter,
            self.notifications,
            *(self.deferral(name, reporter) for name, reporter in self._slow_reporters.items()),
        )

    def remembered_targets(self) -> dict[ResourceKey, AnyResource]:
        """The targets that we ever applied to, as they were then; they are known without git."""
        known = self.inventory.systems()
        return {key.target: parse_resource(document, self.registry) for key, document in known.items()}

    def load(self, snapshot: Snapshot) -> Loaded:
        with self._loading:  # a target that goes back reads its older revision in a thread of its own
            loaded = self.loader.load(snapshot.files(), snapshot.read, snapshot.revision.tree)
            self._vault.remember(loaded.attached.sealed.values(), snapshot.read)
            self._files.remember(snapshot.read)
            return self._expansions.of(loaded)

    @cached_property
    def _expansions(self) -> Expansions:
        return Expansions(self.specs, self.registry, self.provider_context)

    @cached_property
    def _others(self) -> Expansions:
        """Apart from those of what was loaded, so that each remembers its last answer."""
        return Expansions(self.specs, self.registry, self.provider_context)

    def _follow(self, resources: ResourceSet) -> ResourceSet | None:
        with self._loading:
            found = self._others.of(Loaded(resources, ()))
        return None if found.problems else found.resources

    def _try_load(self, snapshot: Snapshot) -> Loaded:
        """Apart from the loader that keeps what is in force."""
        loaded = self._new_loader(workers=1).load(snapshot.files(), snapshot.read, snapshot.revision.tree)
        return Expansions(self.specs, self.registry, self.provider_context).of(loaded)

    def look(self, rev: str | None = None, *, whole: bool = False) -> Outlook:
        """One pass up to the plan; writes nothing. `whole` compiles even what is known to be converged."""
        if "reconciler" not in self.__dict__:
            self.source.begin(rev)
        return self.reconciler.plan(rev, whole=whole)

    def plan(self, rev: str | None = None) -> Plan:
        return self.look(rev).plan

    def apply(self, approve: Approve, rev: str | None = None) -> PassResult:
        with collector_paused():
            result = self.reconciler.apply(approve, rev)
        if result.outcomes and gc.isenabled():
            collect_and_set_aside()
        self.loader.keep()
        if result.resources is not None and result.resources.of(NotificationChannelSpec):
            self.notifications.configure(result.resources)  # what an earlier process left may be due now
        return result

    def now(self) -> datetime:
        return self.clock.now()

    def provider_context(self, spec: ProviderSpec) -> ProviderContext:
        return ProviderContext(
            secrets=self.secrets,
            clock=self.clock,
            progress=self.progress,
            cache_dir=self.settings.cache_dir / spec.name,
            state_dir=self.settings.state_dir / spec.name,
            files=self._files,
            reports=lambda: self.reports,
            settings=self.settings.provider_settings,
            writer=self.settings.writer,
        )

    def close(self) -> None:
        for close in reversed(self._closers):
            close()
        super().close()


def _at_once(name: str, reporter: Reporter) -> Reporter:
    return reporter


def _path(name: str | None) -> Path | None:
    """Made absolute, as git reads it from another folder."""
    return Path(name).expanduser().absolute() if name else None


@contextmanager
def open_application(
    flags: Mapping[str, str | None], environment: Mapping[str, str], folder: Path, progress: Progress
) -> Iterator[Application]:
    """An Application for the settings that hold in `folder`, closed at the end of the block."""
    with private_files():
        settings = load_settings(flags, environment, folder)
        check_folder(settings.state_dir, "ARGOS_STATE_DIR")
        check_folder(settings.cache_dir, "ARGOS_CACHE_DIR")
        for ours in settings.own_folders:
            tighten(ours)
        application = Application(settings, environment, progress)
        try:
            yield application
        finally:
            application.close()
