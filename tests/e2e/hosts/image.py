"""image.py - what hosts are made of: a small Debian 12, a repository of the packages that it lacks, and
our own package. Image and repository are made once for each list of packages and kept."""
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from lab import BUILD, LabError

CACHE = Path(os.environ.get("REGPAIR_HOSTS_CACHE", "/var/tmp/regpair-hosts-image"))
BASE = ("systemd systemd-sysv dbus libpam-systemd openssh-server python3-minimal python3-apt iproute2 "
        "ca-certificates init-system-helpers").split()
# What a playbook may ask for: hosts have no way out, and take it from the repository.
OFFERED = "keepalived snmpd snmp nftables logrotate cron procps python3 bash-completion iputils-ping".split()
OLDER = "0.1.9"  # the same programs under an older number, to be upgraded
# Apart from what a mirror needs nothing of this machine's apt goes into the image.
HOOK = ('rm -rf "$1"/var/lib/apt/lists/* "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/99mmdebstrap '
        '"$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap')
KEPT_S = 7 * 24 * 3600
EDITION = 1  # counted up when what is done below changes


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], text=True, stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, **options)
    if done.returncode != 0:
        raise LabError(f"{command[0]}: exit {done.returncode}: {(done.stderr or done.stdout).strip()[-1500:]}")
    return done.stdout


def make_packages(folder):
    """Our package as built, and the same as an older one: their two files."""
    shutil.rmtree(folder, ignore_errors=True)
    run("cpack", "--config", BUILD / "gcc" / "CPackConfig.cmake", "-B", folder)
    shutil.rmtree(folder / "_CPack_Packages")
    package = next(folder.glob("*.deb"))
    older = repack(package, folder / f"regpair_{OLDER}.deb")
    index(folder)
    return package, older


def repack(package, older):
    with tempfile.TemporaryDirectory(dir=package.parent) as unpacked:
        run("dpkg-deb", "--raw-extract", package, unpacked)
        control = Path(unpacked, "DEBIAN/control")
        control.write_text(re.sub("^Version: .*$", f"Version: {OLDER}", control.read_text(), flags=re.M))
        run("dpkg-deb", "-Zgzip", "--root-owner-group", "--build", unpacked, older)
    return older


def index(folder):
    """Makes the folder a repository for apt."""
    for kind, name in (("packages", "Packages"), ("release", "Release")):
        (folder / name).write_text(run("apt-ftparchive", kind, ".", cwd=folder))


def wanted(package):
    """The packages a host must be able to get: those of the playbooks, and what ours depends on."""
    clauses = run("dpkg-deb", "-f", package, "Depends", "Recommends").split("\n")
    names = [clause.split(":", 1)[1] if clause.startswith(("Depends", "Recommends")) else clause for clause in clauses]
    ours = [word.split("|")[0].split("(")[0].split(":")[0].strip() for word in ",".join(names).split(",")]
    return sorted({name for name in OFFERED + ours if name})


class Image:
    """base: a root file system that nobody writes to; repository: packages; key: lets the client in."""

    def __init__(self, package):
        self.offered = wanted(package)
        kinds = " ".join([str(EDITION), *BASE, "-", *self.offered])
        self.folder = CACHE / hashlib.sha256(kinds.encode()).hexdigest()[:12]
        self.base, self.repository = self.folder / "base", self.folder / "repository"
        self.key = self.folder / "id_ed25519"

    def make(self):
        """Once; whoever comes meanwhile waits. Says whether it was made now."""
        CACHE.mkdir(parents=True, exist_ok=True)
        with open(CACHE / "lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            clear_old()
            if self.folder.exists():
                os.utime(self.folder)
                return False
            made = Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
            try:
                self._make_in(made)
                made.chmod(0o755)
                made.rename(self.folder)
            finally:
                shutil.rmtree(made, ignore_errors=True)
        return True

    def _make_in(self, folder):
        base, repository, key = (folder / one.name for one in (self.base, self.repository, self.key))
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
        with self._apt_settings(folder) as settings:
            run("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root", "--format=directory",
                f"--include={','.join(BASE)}", f"--aptopt={settings}", "--dpkgopt=force-unsafe-io",
                "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
                f"--customize-hook={HOOK}", "bookworm", base, *sources())
        dress(base, key.with_suffix(".pub").read_text())
        fill(repository, base, self.offered)

    @contextlib.contextmanager
    def _apt_settings(self, folder):
        """How this machine reaches its mirror: proxies, checks, retries."""
        settings = folder / "apt.conf"
        lines = run("apt-config", "dump", "Acquire").splitlines()
        settings.write_text("".join(line + "\n" for line in lines if "IndexTargets" not in line))
        yield settings
        settings.unlink()


def clear_old():
    """Images that nobody asked for in a week, and what a killed run was making."""
    for folder in CACHE.iterdir():
        old = folder.stat().st_mtime < time.time() - KEPT_S
        if folder.is_dir() and (old or folder.name.startswith("making-")):
            shutil.rmtree(folder)


def sources():
    """This machine's own sources of packages, as files; none: mmdebstrap's usual mirror."""
    files = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("debian*.sources")]
    return [file for file in files if file.exists() and "bookworm" in file.read_text()]


def dress(base, public_key):
    """What an installer would ask for."""
    (base / "etc/machine-id").write_text("")
    (base / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    (base / "root/.ssh/authorized_keys").write_text(public_key)
    (base / "etc/apt/sources.list").write_text(
        "".join(f"deb [trusted=yes] file:/srv/{name} ./\n" for name in ("debian", "regpair")))
    (base / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")  # the disk is thrown away
    for timer in ("apt-daily", "apt-daily-upgrade", "e2scrub_all", "fstrim", "dpkg-db-backup"):
        (base / f"etc/systemd/system/{timer}.timer").symlink_to("/dev/null")


def fill(repository, base, names):
    """The packages with all they need that the image lacks, by its own list of what is installed."""
    (repository / "partial").mkdir(parents=True)
    run("apt-get", "-o", "DPkg::Lock::Timeout=300", "-o", f"Dir::State::status={base}/var/lib/dpkg/status",
        "-o", f"Dir::Cache::archives={repository}", "-o", "Debug::NoLocking=1",
        "-o", "APT::Keep-Downloaded-Packages=true", "-qq", "-y", "--no-install-recommends", "--download-only",
        "install", *names)
    shutil.rmtree(repository / "partial")
    (repository / "lock").unlink(missing_ok=True)
    index(repository)
