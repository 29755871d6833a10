"""How offices and units are called."""

import pytest

from services.notifier.wording import Namer
from tanggap.contracts.events import Actor, Unit
from tests.support.officials import jakarta


@pytest.mark.parametrize(
    ("role", "code", "office"),
    [
        ("lurah", "31.71.01.1001", "Lurah Gambir"),
        ("camat", "31.71.01", "Camat Gambir"),
        ("wali_kota", "31.71", "Wali Kota Administrasi Jakarta Pusat"),
        ("kepala_suku_dinas", "sudin-bina-marga.31.71", "Kepala Suku Dinas Bina Marga Jakarta Pusat"),
        ("kepala_dinas", "dinas-bina-marga", "Kepala Dinas Bina Marga"),
        ("petugas_triase", "triase", "Petugas Triase, Meja Triase CRM Jakarta"),
        ("sekretaris_kelurahan", "31.71.01.1001", "Sekretaris Kelurahan Gambir"),
        ("bupati", "31.01", "Bupati Kabupaten Administrasi Kepulauan Seribu"),
    ],
)
def test_an_office_is_called_as_jakarta_calls_it(role, code, office):
    assert Namer(jakarta()).office(Actor(role=role, unit=jakarta().unit(code))) == office


def test_a_wards_name_is_told_from_its_districts():
    namer = Namer(jakarta())
    assert namer.unit(jakarta().unit("31.71.01.1001")) == "Kelurahan Gambir"
    assert namer.unit(jakarta().unit("31.71.01")) == "Kecamatan Gambir"


def test_what_the_city_does_not_know_is_called_by_what_the_event_says():
    namer = Namer(jakarta())
    assert namer.unit(Unit(code="99", name="Antah Berantah")) == "Antah Berantah"
    assert namer.category("hal_baru", "id") == "hal baru"
    assert namer.category(None, "id") is None
    assert namer.category("jalan_rusak", "en") == "Damaged road / pothole"
