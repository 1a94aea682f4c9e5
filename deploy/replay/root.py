"""A fresh Debian in a directory, to carry out in it what a container engine or a new machine would.

Everything happens in a mount and a process namespace of its own (`enter_namespaces`): when the script ends, however it ends, its mounts and
its processes are gone.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / ".tools" / "replay"
RELEASE = "bookworm"
# As on a machine where nobody has set anything.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def say(text):
    print(text, flush=True)


def enter_namespaces():
    """Starts this script again in namespaces of its own. As root; with debootstrap."""
    if os.environ.get("REPLAY_INSIDE") == "1":
        return
    if os.geteuid() != 0:
        sys.exit("deploy/replay: run as root: it mounts file systems and changes the root directory")
    if shutil.which("debootstrap") is None:
        sys.exit("deploy/replay: no debootstrap; run deploy/install package first")
    os.environ["REPLAY_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, *sys.argv])


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


def binary(argument):
    """The program to put into the root: the one named, else the one of `make static`."""
    path = pathlib.Path(argument or REPOSITORY / ".build-static" / "release" / "millrace").resolve()
    if not path.exists():
        sys.exit(f"deploy/replay: {path} does not exist; run `make static` first (the first time takes some minutes), or name another with --binary")
    return path


def package(argument):
    """The Debian package to install: the one named, else the newest of `make deb`."""
    made = sorted((REPOSITORY / ".build-static").glob("millrace_*.deb"), key=lambda path: path.stat().st_mtime)
    if not argument and not made:
        sys.exit("deploy/replay: there is no package; run `make deb` first, or name one with --package")
    return pathlib.Path(argument or made[-1]).resolve()


class Root:
    """A directory with a Debian in it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    @classmethod
    def fresh(cls, path):
        """debootstrap's smallest variant, which is what Debian's slim image is made of; kept as an archive for the next time."""
        TOOLS.mkdir(parents=True, exist_ok=True)
        archive = TOOLS / f"{RELEASE}.tar"
        if not archive.exists():
            say(f"debootstrap {RELEASE} (once; kept in {archive.relative_to(REPOSITORY)})")
            made = TOOLS / f"{RELEASE}.new"
            shutil.rmtree(made, ignore_errors=True)
            run("debootstrap", "--variant=minbase", RELEASE, made, stdout=subprocess.DEVNULL)
            run("tar", "--numeric-owner", "-C", made, "-cf", f"{archive}.new", ".")
            os.rename(f"{archive}.new", archive)
            shutil.rmtree(made)
        root = cls(path)
        root.path.mkdir(parents=True)
        run("tar", "--numeric-owner", "-C", root.path, "-xf", archive)
        # Names of hosts are looked up as outside.
        shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
        root.mount_system()
        return root

    def __truediv__(self, name):
        return self.path / str(name).lstrip("/")

    def mount_system(self):
        run("mount", "-t", "proc", "-o", "nosuid,noexec,nodev", "proc", self / "proc")
        run("mount", "-t", "tmpfs", "-o", "mode=755,nosuid", "tmpfs", self / "dev")
        for name, minor in (("null", 3), ("zero", 5), ("full", 7), ("random", 8), ("urandom", 9)):
            os.mknod(self / "dev" / name, 0o20666, os.makedev(1, minor))
            os.chmod(self / "dev" / name, 0o666)
        os.symlink("/proc/self/fd", self / "dev/fd")
        (self / "dev/pts").mkdir()
        run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666,nosuid,noexec", "devpts", self / "dev/pts")
        os.symlink("pts/ptmx", self / "dev/ptmx")
        (self / "dev/shm").mkdir(mode=0o1777)

    def bind(self, source, target, *options):
        """Another directory or file, seen in the root."""
        at = self / target
        if pathlib.Path(source).is_dir():
            at.mkdir(parents=True, exist_ok=True)
        else:
            at.parent.mkdir(parents=True, exist_ok=True)
            at.touch()
        run("mount", "--bind", source, at)
        if options:
            run("mount", "-o", ",".join(("remount", "bind", *options)), at)

    def make_read_only(self, *tmpfs):
        """As `docker run --read-only --tmpfs /tmp`."""
        run("mount", "--bind", self.path, self.path)
        run("mount", "-o", "remount,bind,ro", self.path)
        # The mount hides those below: they are made again on top of it.
        self.mount_again()
        for target in tmpfs:
            run("mount", "-t", "tmpfs", "-o", "mode=1777,nosuid,nodev", "tmpfs", self / target)

    def mount_again(self):
        run("mount", "-t", "proc", "-o", "nosuid,noexec,nodev", "proc", self / "proc")
        run("mount", "-t", "tmpfs", "-o", "mode=755,nosuid", "tmpfs", self / "dev")
        for name, minor in (("null", 3), ("urandom", 9)):
            os.mknod(self / "dev" / name, 0o20666, os.makedev(1, minor))
            os.chmod(self / "dev" / name, 0o666)

    def unmount(self):
        """Nothing of another file system lies below it afterwards."""
        for _ in range(20):
            below = [line.split()[1] for line in open("/proc/mounts") if line.split()[1].startswith(f"{self.path}")]
            if not below:
                return
            subprocess.run(["umount", "--lazy", below[-1]], check=False)

    def command(self, words, user=None, directory=None):
        """The command line that runs `words` in the root, as root or as `uid:gid` without any right of root's."""
        drop = ["env", "-C", directory] if directory else []
        if user is not None:
            uid, gid = user.split(":")
            drop += ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
        return ["chroot", str(self.path), *drop, *[str(word) for word in words]]

    def run(self, *words, user=None, environment=None, check=True, **options):
        environment = {"PATH": PATH, "HOME": "/", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"} | (environment or {})
        return subprocess.run(self.command(words, user), env=environment, check=check, **options)

    def start(self, words, user, environment, log, directory="/"):
        return subprocess.Popen(self.command(words, user, directory), env={"PATH": PATH} | environment, stdout=log, stderr=log)

    def output(self, *words, **options):
        return self.run(*words, capture_output=True, text=True, **options).stdout

    def packages(self):
        return set(self.output("dpkg-query", "-W", "-f", "${Package}\n").split())

    def libraries_of(self, path):
        """(library, Debian package that owns it) of a program; fails for one that is missing or that no package owns."""
        found = []
        for line in self.output("ldd", path).splitlines():
            words = line.split()
            if "not found" in line:
                raise SystemExit(f"FAILED: {path} needs {words[0]}, which the packages of the last stage do not have")
            if len(words) > 2 and words[1] == "=>":
                real = self.output("realpath", words[2]).strip()
                owner = self.run("dpkg", "-S", real, capture_output=True, text=True, check=False)
                # /lib is a link to /usr/lib: dpkg may know the file by its other name.
                if owner.returncode:
                    owner = self.run("dpkg", "-S", real.removeprefix("/usr"), capture_output=True, text=True, check=False)
                if owner.returncode:
                    raise SystemExit(f"FAILED: {path} needs {real}, which no Debian package owns")
                found.append((words[0], owner.stdout.split(":")[0]))
        return found


def expect(is_so, text):
    if not is_so:
        raise SystemExit(f"FAILED: {text}")
    say(f"ok: {text}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    """(status, text); (None, reason) when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return None, str(error)


def wait(what, condition, seconds=60, process=None):
    deadline = time.monotonic() + seconds
    while not condition():
        if process is not None and process.poll() is not None:
            raise SystemExit(f"FAILED: the process ended with {process.returncode} before it was {what}")
        if time.monotonic() > deadline:
            raise SystemExit(f"FAILED: not {what} within {seconds} s")
        time.sleep(0.1)
    say(f"ok: {what}")


class Broker:
    """The repository's broker, or the one at KAFKA_BOOTSTRAP."""

    def __init__(self, directory):
        self.directory = directory

    def __enter__(self):
        self.address = os.environ.get("KAFKA_BOOTSTRAP")
        if self.address is None:
            port = free_port() % 20000 + 20000
            run(REPOSITORY / "deploy/broker/broker", "start", "--port", port, "--dir", self.directory, stdout=subprocess.DEVNULL)
            self.address = f"127.0.0.1:{port}"
        return self

    def __exit__(self, *_):
        if "KAFKA_BOOTSTRAP" not in os.environ:
            run(REPOSITORY / "deploy/broker/broker", "stop", "--dir", self.directory)
