"""Java for the native Kafka: the Java to use, the jars, and the class archive that makes starts faster."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deploy.local.server import StackError

OLDEST_JAVA = 17
KAFKA = Path(__file__).parent / "kafka"
POM = KAFKA / "pom.xml"
LOGGING = KAFKA / "log4j2.properties"


# The collector of Kafka's own start script. The serial one, Java's default on a small machine, pauses for 40 to 65 ms
# every quarter of a minute; this one for 10 to 25 ms.
COLLECTOR = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35")
HEAP = ("-Xms320m", "-Xmx512m", *COLLECTOR)


@dataclass(frozen=True)
class Java:
    """A Java that can run Kafka."""

    executable: str
    version: str

    def command(self, jars: Path, main: str, *arguments: str, record: Path | None = None) -> list[str]:
        """The command line of a main class; with `record`, Java writes its class archive there when it exits."""
        return [
            self.executable,
            *(*HEAP, "-Djava.awt.headless=true"),
            *(f"-Dlog4j2.configurationFile={LOGGING.as_uri()}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"),
            *self._archive_flags(jars, record),
            *("-cp", f"{jars}/*", main, *arguments),
        ]

    def archive(self, jars: Path) -> Path:
        """The path of the class archive, which is valid for one Java and one class path only."""
        key = hashlib.sha256(f"{self.executable} {self.version} {jars}".encode()).hexdigest()[:12]
        return jars.parent / f"classes-{key}.jsa"

    def _archive_flags(self, jars: Path, record: Path | None) -> list[str]:
        if self.archive(jars).exists():
            return [f"-XX:SharedArchiveFile={self.archive(jars)}"]
        return [f"-XX:ArchiveClassesAtExit={record}"] if record else []


@cache
def find_java() -> Java | None:
    """JAVA_HOME's Java or the one on the PATH, if it is new enough."""
    home = os.environ.get("JAVA_HOME")
    executable = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if executable is None:
        return None
    said = subprocess.run([executable, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "((\d+)[^"]*)"', said)
    if version is None or int(version[2]) < OLDEST_JAVA:
        return None
    return Java(executable, version[1])


def missing() -> list[str]:
    """What this machine lacks to run Kafka natively."""
    lacks = []
    if find_java() is None:
        lacks.append(f"Java {OLDEST_JAVA} or newer")
    if not _jars().exists() and shutil.which("mvn") is None:
        lacks.append("Maven (mvn)")
    return lacks


def jars() -> Path:
    """The folder with the jars of Kafka, fetched by Maven the first time."""
    folder = _jars()
    if not folder.exists():
        print("Fetching Apache Kafka with Maven (45 MB, only this once) ...", file=sys.stderr)
        _fetch(folder)
    return folder


def _jars() -> Path:
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    version = re.search(r"<kafka.version>(.+)</kafka.version>", POM.read_text())
    assert version
    key = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    return cache_home / "duaal" / f"kafka-{version[1]}-{key}" / "lib"


def _fetch(folder: Path) -> None:
    """Fetch into a temporary folder and rename it, so that a broken download is never used."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={draft}/lib"]
        done = subprocess.run(["mvn", "-q", "-B", "-f", str(POM), *goal], capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"Maven could not fetch the jars of Kafka: {done.stdout.strip()[-500:]}")
        if not folder.exists():  # another process may have been faster
            Path(draft, "lib").rename(folder)
