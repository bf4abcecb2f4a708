"""What keeps the image small, and its processes too. The image itself is built and measured by `make kube`."""

import subprocess
import sys

from tests.chart.helm import ROOT


def test_capture_knows_the_names_of_countries_and_leaves_the_geocoder_of_phone_numbers_alone():
    """It would be 100 MB of memory in each of its processes, and 40 MB of the image, which leaves it out."""
    program = """
import sys
import services.capture.app
from shared.countries import country_code
print(country_code("Deutschland"), country_code("UK"), "phonenumbers.geodata" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["DE", "GB", "False"], done.stderr


def test_what_the_image_imports_needs_no_package_that_it_has_not():
    program = """
import importlib, re, sys
from importlib.metadata import packages_distributions
from pathlib import Path
from deploy import image

lock = Path("deploy/requirements.lock").read_text()
plain = lambda name: re.sub("[-_.]+", "-", name).lower()
there = {plain(name) for name in re.findall("^([A-Za-z0-9_.-]+)==", lock, re.M)} | {"leadflow"}
absent = {top for top, owners in packages_distributions().items() if not any(plain(each) in there for each in owners)}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent or name.startswith("shared.testing"):  # .dockerignore
            raise ModuleNotFoundError(f"{name} is not in the image")

assert "psutil" in absent and "pydantic" not in absent
for name in absent & sys.modules.keys():
    del sys.modules[name]
sys.meta_path.insert(0, Absent())
for name in image.modules(Path()):
    if not name.startswith("shared.testing"):
        importlib.import_module(name)
print("all imported")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["all", "imported"], done.stderr[-2_000:]


def test_a_service_loads_no_migrations_and_no_model_that_it_does_not_use():
    """Each would take half a second of every start."""
    program = "import sys, services.outreach.app; print({'alembic', 'openai'} & sys.modules.keys() or 'neither')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["neither"], done.stderr
