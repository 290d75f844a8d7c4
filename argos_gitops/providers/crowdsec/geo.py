"""Country to ranges, from a GeoIP database in MaxMind's format (MaxMind, DB-IP, IP2Location …).

Reading a whole database takes seconds (1.4 million networks: about 8 s), so the ranges of all countries are
kept in one compact file in the cache folder, named by the database's digest: later runs read only the
countries they need. The database itself is a file, or comes from a URL; see download.py.
"""

from collections.abc import Mapping
from pathlib import Path

from argos_gitops.model.plan import Failure
from argos_gitops.ports.progress import Progress
from argos_gitops.providers.crowdsec.download import Download
from argos_gitops.providers.crowdsec.expansion import Expansion, digest_of_file, expansion_of
from argos_gitops.providers.crowdsec.networks import Ranges

FILE_SETTING = "geoip_country"
URL_SETTING = "geoip_country_url"
_CURE = (
    "name a country database in MaxMind's format with ARGOS_GEOIP_COUNTRY=FILE, or let it be downloaded "
    "with ARGOS_GEOIP_COUNTRY_URL=URL (DB-IP Lite and GeoLite2 will do)"
)


class GeoDatabase:
    """The country database of this agent, if it has one.

    `refresh` looks whether the file is another one now, and downloads it where a URL is set; between two
    calls the answers stay the same.
    """

    def __init__(self, settings: Mapping[str, str], cache_dir: Path, progress: Progress) -> None:
        self._cache_dir = cache_dir
        self._progress = progress
        self._download: Download | None = None
        self._path: Path | None = None
        if settings.get(FILE_SETTING):
            self._path = Path(settings[FILE_SETTING])
        elif settings.get(URL_SETTING):
            self._download = Download(settings[URL_SETTING], cache_dir)
            self._path = self._download.path
        self._seen: tuple[object, ...] | None = None
        self._digest = ""
        self._expansion: Expansion | None = None
        self._broken: Failure | None = None

    def refresh(self) -> None:
        """Never raises: what went wrong is told by `failure`."""
        if self._download is not None:
            self._download.refresh()
        seen = self._stamp()
        if seen != self._seen:
            self._seen, self._expansion, self._broken = seen, None, None
            self._digest = digest_of_file(self._path) if self._path is not None and seen else ""

    @property
    def digest(self) -> str:
        """Identifies the database's content; empty without one."""
        return self._digest

    def failure(self) -> Failure | None:
        """Why countries cannot be expanded now, with the cure; None when they can."""
        if self._broken is not None:
            return self._broken
        if self._digest:
            return None
        if self._download is not None and self._download.problem:
            return Failure("GeoDatabaseMissing", f"{self._download.problem}; {_CURE}")
        if self._path is not None:
            return Failure("GeoDatabaseMissing", f"{self._path} is not a readable file; {_CURE}")
        return Failure("GeoDatabaseMissing", f"countries need a GeoIP database: {_CURE}")

    def stale(self) -> Failure | None:
        """Why a database that is in use could not be renewed."""
        if self._digest and self._download is not None and self._download.problem:
            return Failure("GeoDatabaseStale", f"{self._download.problem}; the last good one is in use")
        return None

    def ranges(self, country: str) -> tuple[Ranges, ...] | None:
        """The aggregated IPv4 and IPv6 ranges of a country; None without a usable database.

        Empty when the database knows no range of the country. The first call for a new database
        reads all of it, and shows that as progress.
        """
        expansion = self._expand()
        return None if expansion is None else expansion.ranges(country)

    def _expand(self) -> Expansion | None:
        if self._expansion is None and self._path is not None and self._digest and self._broken is None:
            found = expansion_of(self._path, self._digest, self._cache_dir, self._progress)
            if isinstance(found, Failure):
                self._broken = found
            else:
                self._expansion = found
        return self._expansion

    def _stamp(self) -> tuple[object, ...] | None:
        """Changes whenever the file does, without reading it."""
        try:
            found = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns) if found is not None else None
