"""Debian's Dovecot as the server of the IMAP tests, without root, where `LEADFLOW_TEST_DOVECOT` names a folder.

With the package dovecot-imapd installed the folder is `/`. It may also be one in which the packages dovecot-core and
dovecot-imapd were unpacked (`dpkg -x`), with a link to its `usr/lib/dovecot` at that place of the machine:

    LEADFLOW_TEST_DOVECOT=FOLDER pytest tests/integration/outreach -k imap

Nobody needs it: without the variable the tests run on pymap alone.
"""

import asyncio
import grp
import os
import pwd
import shutil
import signal
import tempfile
import time
from pathlib import Path

from tests.integration.outreach.imap_server import PASSWORD, USER, ImapServer

_CONFIG = """
base_dir = {base}/run
state_dir = {base}/state
import_environment = LD_LIBRARY_PATH={libraries}
libexec_dir = {root}/usr/lib/dovecot
mail_plugin_dir = {root}/usr/lib/dovecot/modules
log_path = {base}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{base}/mail/%u
mail_uid = {user}
mail_gid = {group}
first_valid_uid = 1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
passdb {{
  driver = static
  args = user={name} password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={base}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


class Dovecot(ImapServer):
    """A Dovecot of its own folder and user; what it holds survives a restart."""

    def __init__(self) -> None:
        super().__init__()
        self._root = Path(os.environ["LEADFLOW_TEST_DOVECOT"]).resolve()
        self._base = Path(tempfile.mkdtemp(prefix="leadflow-dovecot-"))
        self._user = pwd.getpwnam("nobody") if os.getuid() == 0 else pwd.getpwuid(os.getuid())

    async def start(self) -> None:
        config = self._base / "dovecot.conf"
        group = grp.getgrgid(self._user.pw_gid).gr_name
        libraries = f"{self._root}/usr/lib/dovecot:{self._root}/usr/lib/dovecot/modules/old-stats"
        config.write_text(
            _CONFIG.format(
                base=self._base,
                root=self._root,
                libraries=libraries,
                user=self._user.pw_name,
                group=group,
                name=USER,
                password=PASSWORD,
                port=self.port,
            )
        )
        for folder in (self._base, *(self._base / name for name in ("run", "state", "mail"))):
            folder.mkdir(exist_ok=True)
            if os.getuid() == 0:
                os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        other = {"user": self._user.pw_uid, "group": self._user.pw_gid} if os.getuid() == 0 else {}
        dovecot = [str(self._root / "usr/sbin/dovecot"), "-F", "-c", str(config)]
        # dovecot runs /usr/bin/doveconf, which runs dovecot with the configuration in its environment.
        doveconf = [str(self._root / "usr/bin/doveconf"), "-f", "service=master", "-m", "master", "-c", str(config)]
        self._process = await asyncio.create_subprocess_exec(
            *doveconf,
            "-p",
            "-e",
            *dovecot,
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
            start_new_session=True,
            extra_groups=[] if other else None,
            **other,
        )
        deadline = time.monotonic() + 20
        while not await self.answers():
            assert time.monotonic() < deadline, (self._base / "log").read_text()
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """End all of its processes: one that serves a connection would live as long as that."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            self._process = None

    def __del__(self) -> None:
        shutil.rmtree(self._base, ignore_errors=True)


def servers_to_try() -> list[type[ImapServer]]:
    return [ImapServer, *([Dovecot] if os.environ.get("LEADFLOW_TEST_DOVECOT") else [])]
