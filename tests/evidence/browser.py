"""Drives Debian's `chromium` over its debugging pipe, without any driver of its own."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Key code of each key that a test presses (Windows virtual key codes, as CDP wants them).
KEYS = {"Tab": 9, "Enter": 13, " ": 32}


class Browser:
    """One page in a headless browser."""

    def __init__(self, to: int, back: int) -> None:
        self.to, self.back = to, back
        self.rest = b""
        self.count = 0
        self.session = ""

    def call(self, method: str, **words: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        """Call a method of the Chrome DevTools Protocol and return its result."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": words}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self.count:
                assert "error" not in told, told
                return dict(told["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            self.rest += os.read(self.back, 1 << 20)
        line, _, self.rest = self.rest.partition(b"\0")
        return dict(json.loads(line))

    def open(self, address: str, width: int, height: int) -> None:
        """Open a page in a window of that size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self.call("Page.navigate", url=address)
        while self.ask("document.readyState") != "complete":
            time.sleep(0.05)

    def ask(self, expression: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what an expression of JavaScript comes to."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return told["result"].get("value")

    def press(self, key: str, times: int = 1) -> None:
        """Press a key as often as told."""
        text = {"text": "\r" if key == "Enter" else key} if key != "Tab" else {}
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                self.call(
                    "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                    windowsVirtualKeyCode=KEYS.get(key, ord(key[0].upper())),
                    **(text if kind == "keyDown" else {}),
                )  # fmt: skip

    def photograph(self, picture: Path) -> None:
        """Keep what the window shows."""
        time.sleep(0.3)
        picture.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def print(self, file: Path) -> int:
        """Print on A4, and return the number of sheets."""
        told = self.call("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        file.write_bytes(base64.b64decode(told["data"]))
        return file.read_bytes().count(b"/Type /Page\n")


@contextmanager
def browser() -> Iterator[Browser]:
    """Start a browser with one empty page, and end it."""
    there, to = os.pipe()
    back, here = os.pipe()
    with tempfile.TemporaryDirectory() as profile:
        command = (
            f"exec chromium --headless --no-sandbox --disable-gpu --hide-scrollbars "
            f"--remote-debugging-pipe --user-data-dir={profile} about:blank 3<&{there} 4>&{here}"
        )
        child = subprocess.Popen(
            ["/bin/bash", "-c", command], pass_fds=(there, here),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(there)
        os.close(here)
        try:
            page = Browser(to, back)
            targets = page.call("Target.getTargets")["targetInfos"]
            name = next(one["targetId"] for one in targets if one["type"] == "page")
            page.session = page.call("Target.attachToTarget", targetId=name, flatten=True)[
                "sessionId"
            ]
            page.call("Page.enable")
            yield page
        finally:
            child.terminate()
            child.wait(timeout=20)
            os.close(to)
            os.close(back)
