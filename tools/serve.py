"""Show the built book at a local address, to this machine only."""

import errno
import os
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HTML = Path("_build/html")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        """A line for each file of each page tells a reader nothing."""


def main(port: str) -> None:
    if not port.isdigit() or not 0 <= int(port) < 65536:
        sys.exit(f"PORT={port} is no port: give a number from 1024 to 65535, as in `make serve PORT=8080`.")
    if not (HTML / "index.html").exists():
        sys.exit("The book is not built yet: run `make book` first.")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", int(port)), partial(QuietHandler, directory=HTML))
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "is taken by another program" if taken else f"cannot be used ({error.strerror})"
        sys.exit(f"Port {port} {why}: choose another, as in `make serve PORT={int(port) % 65000 + 1}`.")
    print(f"The book is at http://127.0.0.1:{server.server_port}/ (Ctrl-C ends this)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parents[1])
    main(sys.argv[1] if len(sys.argv) > 1 else "8000")
