"""The first cell of a notebook that leaves this book: it installs the library where that is missing.

Where it cannot, it says why in one line: Colab, Kaggle and a laptop differ in their Python and their network.
"""

REPOSITORY = "https://github.com/tinylm/course"
CELL = """\
# Run this cell first. It installs the course's library where that is missing, on Colab for example.
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("{module}") is None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f"Python 3.11 to 3.13 is needed, not {{sys.version.split()[0]}}: choose another runtime.")
    library = "tinylm @ git+{repository}"
    if subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", library], check=False).returncode:
        sys.exit("The library was not installed, and pip says why above. Mend that and run this again.")
"""


def source(module: str) -> str:
    """The cell's code. module: the one whose absence tells that the library is missing."""
    return CELL.format(module=module, repository=REPOSITORY)
