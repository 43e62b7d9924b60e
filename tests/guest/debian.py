# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian packages for guests: an apt of our own that needs no root, and what is made of packages."""
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CACHE = os.environ.get("RHEA_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "rhea")
MIRROR = os.environ.get("RHEA_MIRROR", "http://deb.debian.org/debian")
SUITE = "bookworm"
EPOCH = "1700000000"  # every time stamp in what is made

os.environ["PATH"] += ":/usr/sbin:/sbin"  # where a user's PATH may not look for mke2fs and sfdisk


def die(text):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {text}")


def run(*argv, **kw):
    """Runs a program quietly; what it said is shown when it fails."""
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **kw)
    if p.returncode:
        sys.stderr.write("".join(l + "\n" for l in p.stdout.splitlines()[-30:]))
        die(f"{os.path.basename(argv[0])} failed with status {p.returncode}")
    return p.stdout


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            die(f"{program} is missing: run scripts/install-deps demo")


class Apt:
    """apt of one architecture with its own lists and archives, for which no root is needed."""

    def __init__(self, arch, components="main"):
        self.dir = f"{CACHE}/apt-image-{arch}{'-installer' if components != 'main' else ''}"
        for d in ("lists/partial", "archives/partial"):
            os.makedirs(f"{self.dir}/{d}", exist_ok=True)
        with open(f"{self.dir}/sources.list", "w") as f:
            f.write(f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {MIRROR} {SUITE} {components}\n")
        with open(f"{self.dir}/apt.conf", "w") as f:
            f.write(f'APT::Architecture "{arch}"; APT::Architectures {{ "{arch}"; }};\n'
                    f'APT::Install-Recommends "false"; APT::Sandbox::User ""; Debug::NoLocking "1";\n'
                    f'Acquire::Languages "none";\n'
                    f'Dir::State::lists "{self.dir}/lists"; Dir::State::status "{self.dir}/status";\n'
                    f'Dir::Cache "{self.dir}"; Dir::Etc::sourcelist "{self.dir}/sources.list";\n'
                    f'Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";\n')
        open(f"{self.dir}/status", "a").close()
        self.env = dict(os.environ, APT_CONFIG=f"{self.dir}/apt.conf", LC_ALL="C")

    def refresh(self, age):
        """The lists at most `age` seconds old; older ones will do without a network."""
        lists = glob.glob(f"{self.dir}/lists/*Packages*")
        stamp = f"{self.dir}/refreshed"
        if lists and os.path.exists(stamp) and time.time() - os.path.getmtime(stamp) < age:
            return
        p = subprocess.run(["apt-get", "-qq", "update"], env=self.env, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True)
        if p.returncode == 0 and "Err:" not in p.stderr:
            open(stamp, "w").close()
        elif not lists:
            sys.stderr.write(p.stderr)
            die("apt-get update failed: is the network there?")

    def versions(self, packages):
        """All that installing these brings, as sorted "name version" lines."""
        out = run("apt-get", "-s", "install", "?priority(required)", "?essential", "apt", *packages, env=self.env)
        lines = sorted(f"{m.group(1)} {m.group(2)}" for m in re.finditer(r"^Inst (\S+) \((\S+)", out, re.M))
        if not lines:
            die("apt-get finds nothing to install")
        return lines

    def index(self, component_dir):
        """The paragraphs of a verified package list, by package; of several versions the newest."""
        found = glob.glob(f"{self.dir}/lists/*_{component_dir.replace('/', '_')}_Packages*")
        text = run("/usr/lib/apt/apt-helper", "cat-file", found[0], env=self.env)
        paragraphs = {}
        for p in text.strip().split("\n\n"):
            paragraphs[re.match(r"Package: (\S+)", p).group(1)] = p
        return paragraphs

    def download(self, packages, into):
        """The .deb files of packages, without what they depend on; returns their paths."""
        os.makedirs(into, exist_ok=True)
        run("apt-get", "-qq", "download", *packages, env=self.env, cwd=into)
        return sorted(glob.glob(f"{into}/*.deb"))

    def unpack(self, package, into):
        """Unpacks a package without installing it."""
        with tempfile.TemporaryDirectory(dir=self.dir) as tmp:
            run("dpkg-deb", "-x", *self.download([package], tmp), into)


def make_repository(directory, debs):
    """A flat repository, for `deb [trusted=yes] file:DIRECTORY ./`, of .deb files."""
    os.makedirs(directory, exist_ok=True)
    entries = []
    for deb in sorted(debs):
        name = os.path.basename(deb)
        shutil.copy(deb, f"{directory}/{name}")
        entries.append(package_entry(f"{directory}/{name}", f"./{name}"))
    with open(f"{directory}/Packages", "w") as f:
        f.write("".join(entries))


def package_entry(deb, filename):
    """A package's paragraph of a Packages file."""
    with open(deb, "rb") as f:
        data = f.read()
    fields = run("dpkg-deb", "-f", deb).rstrip("\n")
    return (f"{fields}\nFilename: {filename}\nSize: {len(data)}\nMD5sum: {hashlib.md5(data).hexdigest()}\n"
            f"SHA256: {hashlib.sha256(data).hexdigest()}\n\n")


def make_iso(directory, out, label):
    """An ISO 9660 image with Rock Ridge and Joliet names."""
    need("xorriso")
    run("xorriso", "-as", "mkisofs", "-quiet", "-r", "-J", "-V", label, "-o", out, directory,
        env=dict(os.environ, SOURCE_DATE_EPOCH=EPOCH))


def make_ext4(directory, out, size):
    """A disk that is one ext4 file system, without a partition table."""
    need("mke2fs")
    with open(out, "wb") as f:
        f.truncate(size)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "REPOSITORY", "-O", "^orphan_file,^metadata_csum_seed", "-d",
        directory, out)
