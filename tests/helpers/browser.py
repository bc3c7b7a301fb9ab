"""A headless Chromium, driven over its debugging pipe: no driver, no further package."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

Json = Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-extensions", "--no-default-browser-check",
    "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip


class Browser:
    """One page and its frames.

    Attributes
    ----------
    errors
        Messages of the console at level error, exceptions that no script caught.
    requests
        Addresses that were asked for, `data:` ones cut.
    """

    def __init__(self, *, width: int = 1400, height: int = 1000) -> None:
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.frames: list[str] = []
        self._count = 0
        self._answers: dict[int, Json] = {}
        self._buffer = b""
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._size = width, height

    def __enter__(self) -> "Browser":
        """Start the browser with an empty profile, and attach to its page."""
        assert CHROMIUM is not None
        reads, self._out = os.pipe()
        self._in, writes = os.pipe()
        arguments = [*_OPTIONS, f"--user-data-dir={self._profile.name}", "about:blank"]
        # the browser reads from its descriptor 3 and writes to its descriptor 4
        script = f'exec "$@" 3<&{reads} 4>&{writes}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", CHROMIUM, *arguments],
            pass_fds=(reads, writes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(reads)
        os.close(writes)
        targets = self._until(lambda: self._pages(), "a page")
        opened = self.call(
            "Target.attachToTarget", session="", targetId=targets[0]["targetId"], flatten=True
        )
        self._page = opened["sessionId"]
        self._prepare(self._page)
        width, height = self._size
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the browser."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()

    def open(self, file: Path) -> None:
        """Open a local file and wait until it is loaded."""
        self.call("Page.navigate", url=file.resolve().as_uri())
        self.wait("document.readyState === 'complete'")

    def run(self, script: str, *, frame: bool = False) -> Json:
        """Value of a JavaScript expression, in the page or in the frame opened last."""
        session = self.frames[-1] if frame and self.frames else self._page
        found = self.call(
            "Runtime.evaluate",
            session=session,
            expression=script,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"].get("exception", found))
        return found["result"].get("value")

    def wait(self, script: str, *, frame: bool = False) -> Json:
        """First true value of a JavaScript expression, within 20 seconds."""
        return self._until(lambda: self.run(script, frame=frame), script)

    def picture(self, path: Path, *, full: bool = False) -> None:
        """Write what is seen (or all of the page) as PNG."""
        more: dict[str, Json] = {"captureBeyondViewport": True} if full else {}
        if full:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            more["clip"] = {**size, "scale": 1}
        found = self.call("Page.captureScreenshot", format="png", **more)
        path.write_bytes(base64.b64decode(found["data"]))

    def call(self, method: str, *, session: str | None = None, **given: Json) -> Json:
        """Call a method of the DevTools protocol; events that come meanwhile are noted."""
        number = self._send(method, self._page if session is None else session, given)
        end = time.monotonic() + 30
        while number not in self._answers:
            self._receive(end)
        answer = self._answers.pop(number)
        if "error" in answer:
            message = f"{method}: {answer['error']}"
            raise AssertionError(message)
        return answer["result"]

    def _send(self, method: str, session: str, given: dict[str, Json]) -> int:
        self._count += 1
        message = {"id": self._count, "method": method, "params": given}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return self._count

    def _receive(self, end: float) -> None:
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0.0, end - time.monotonic()))[0]:
                message = "the browser did not answer"
                raise AssertionError(message)
            chunk = os.read(self._in, 1 << 20)
            assert chunk, "the browser ended"
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\0")
        message = json.loads(line)
        if "id" in message:
            self._answers[message["id"]] = message
        else:
            self._note(message["method"], message["params"])

    def _note(self, event: str, told: Json) -> None:
        if event == "Target.attachedToTarget" and told["targetInfo"]["type"] == "iframe":
            self.frames.append(told["sessionId"])
            self._prepare(told["sessionId"], wait=False)
        elif event == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"][:200])
        elif event == "Runtime.exceptionThrown":
            self.errors.append(str(told["exceptionDetails"])[:500])
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert"):
            self.errors.append(str(told["args"])[:500])
        elif event == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.errors.append(str(told["entry"])[:500])

    def _prepare(self, session: str, *, wait: bool = True) -> None:
        calls: list[tuple[str, dict[str, Json]]] = [
            (f"{domain}.enable", {}) for domain in ("Runtime", "Log", "Network", "Page")
        ]
        attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        for method, given in [*calls, ("Target.setAutoAttach", attach)]:
            if wait:
                self.call(method, session=session, **given)
            else:
                self._send(method, session, given)

    def _pages(self) -> list[Json]:
        found = self.call("Target.getTargets", session="")["targetInfos"]
        return [target for target in found if target["type"] == "page"]

    @staticmethod
    def _until(ask: Any, what: str) -> Json:
        end = time.monotonic() + 20
        while not (found := ask()):
            assert time.monotonic() < end, f"waited in vain for {what}"
            time.sleep(0.05)
        return found
