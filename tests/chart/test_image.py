"""What keeps the image small, and its processes too. The image itself is built and measured by `make kube`."""

import subprocess
import sys

from tests.chart.helm import ROOT


def test_capture_knows_the_names_of_countries_and_leaves_the_geocoder_of_phone_numbers_alone():
    """It would be 100 MB of memory in each of its processes, and 40 MB of the image, which leaves it out."""
    program = """
import sys
import services.capture.app
from services.capture.gateways.contact_details import _country_names
print(_country_names()["deutschland"], _country_names()["uk"], "phonenumbers.geodata" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["DE", "GB", "False"], done.stderr
