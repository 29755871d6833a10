"""The mail of an alert."""

import email
import email.policy
import re
import shutil
from datetime import timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import pytest

from services.notifier import alerts
from services.notifier.links import Links
from services.notifier.mail import Composer, TextFault
from tanggap.contracts import lifecycle
from tanggap.contracts.events import ComplaintSubmitted
from tests.support.officials import (
    FIRE_SERVICE,
    FOLDER,
    GAMBIR,
    GAMBIR_DISTRICT,
    NOW,
    SECRET,
    SENDER,
    TOLD_ALL,
    Life,
    jakarta,
    official,
    with_officials,
)

LINKS = Links(SECRET, timedelta(days=45), "https://n.example")


def composer(texts: Path = FOLDER / "texts" / "mail", now=NOW) -> Composer:
    return Composer(texts, jakarta(), LINKS, SENDER, now=lambda: now)


def mail(life: Life, city=None, now=NOW, texts: Path = FOLDER / "texts" / "mail", *, informed: bool = False) -> EmailMessage:
    city = city or jakarta()
    call = next(event for event in reversed(life.events) if event.type in {"complaint.assigned", "complaint.triage_requested"})
    alert = alerts.copies(call, city).alerts[0] if informed else alerts.first(call, city).alert
    complaint = lifecycle.fold(life.events, city.calendar)
    made = composer(texts, now).compose(alert, complaint, life.events[0].model_dump_json(), call.model_dump_json())
    return email.message_from_bytes(made, policy=email.policy.default)


def fire_service(language: str = "id"):
    """Jakarta with one official in the fire service's branch."""
    return with_officials(
        jakarta(), {FIRE_SERVICE.code: [official(FIRE_SERVICE, "kepala_suku_dinas", "gulkarmat@x.example", language)]}
    )


def parts(message: EmailMessage) -> tuple[str, str]:
    return message.get_body(("plain",)).get_content(), message.get_body(("html",)).get_content()


def test_the_subject_says_number_category_and_ward():
    assert mail(Life().submitted().assigned())["Subject"] == "[JK2611240001] Laporan baru: Jalan rusak, Kelurahan Gambir"


def test_an_emergency_says_so_in_the_subject_and_to_the_mail_program():
    message = mail(Life().submitted().assigned(urgency="emergency"))
    assert message["Subject"] == "[JK2611240001] DARURAT: Jalan rusak, Kelurahan Gambir"
    assert message["Importance"] == "high"


def test_a_triage_that_is_an_emergency_says_so_in_the_subject_and_to_the_mail_program():
    message = mail(Life().submitted().triaged(GAMBIR_DISTRICT, urgency="emergency"))
    assert message["Subject"].startswith("[JK2611240001] DARURAT, tentukan unitnya: ")
    assert message["Importance"] == "high"
    calm = mail(Life().submitted().triaged(GAMBIR_DISTRICT))
    assert calm["Subject"].startswith("[JK2611240001] Tentukan unit penanggung jawab: ")
    assert calm["Importance"] is None


def test_both_bodies_say_what_where_until_when_and_why():
    for body in parts(mail(Life().submitted().assigned())):
        said = " ".join(body.split())
        for expected in (
            "JK2611240001",
            "Yth. Lurah Gambir",
            "Lubang besar di depan halte, motor sering jatuh.",
            "Jl. Medan Merdeka Barat",
            "paling lambat Sel, 24 Nov 2026 15.05 WIB",
            "(6 jam)",
            "Titik laporan berada di Kelurahan Gambir.",
            "https://foto.example/lubang.jpg",
            "https://www.openstreetmap.org/?mlat=-6.175400",
            "https://n.example/c/",
            "Jumat, 8 Januari 2027",
        ):
            assert expected in said.replace("&amp;", "&"), expected


def test_what_speaks_against_the_decision_is_told_in_the_mail_too_and_only_where_there_is_such():
    told = TOLD_ALL.conflicts[0]
    for body, heading in zip(
        parts(mail(Life().submitted().assigned(decision=TOLD_ALL))), ("PERLU DICERMATI", "Perlu dicermati"), strict=True
    ):
        assert heading in body
        assert told.id in body
    for body in parts(mail(Life().submitted().assigned())):
        assert "dicermati" not in body.lower()


def test_the_link_opens_this_complaint_for_this_office():
    life = Life().submitted().assigned()
    text, html = parts(mail(life))
    urls = set(re.findall(r"https://n\.example/c/([\w.-]+)", text + html))
    assert len(urls) == 1
    link = LINKS.read(urls.pop())
    assert (link.complaint_id, link.unit_code, link.role) == (life.id, GAMBIR.code, "lurah")
    assert html.count("https://n.example/c/") == 1, "one button"


def test_working_hours_are_said_as_such():
    terms = jakarta().sla.terms("kependudukan", "normal", NOW)
    text, _ = parts(mail(Life().submitted(category="kependudukan").assigned(category="kependudukan", clocks=terms)))
    assert "6 jam kerja" in text


def test_the_unit_above_reads_that_the_unit_below_can_not_be_reached():
    message = mail(Life().submitted().assigned(), with_officials(jakarta(), {GAMBIR.code: []}))
    assert message["Subject"].startswith("[JK2611240001] Kelurahan Gambir tidak terjangkau: ")
    assert message["To"].addresses[0].addr_spec == "camat.gambir@jakarta.example"
    for body in parts(message):
        assert "Sebagai atasannya" in " ".join(body.split())


def test_the_triage_desk_reads_what_is_asked_of_it_even_where_nothing_else_is_known():
    life = Life().submitted(category=None, location=None, address=None, media=()).triaged()
    message = mail(life)
    assert message["Subject"] == "[JK2611240001] Tentukan unit penanggung jawab: tanpa kategori"
    text, html = parts(message)
    assert "Warga tidak menuliskan alamat." in text
    assert "openstreetmap" not in text + html
    assert "None" not in text + html


def test_one_who_is_informed_reads_who_is_responsible_what_and_where_and_that_nothing_is_asked():
    message = mail(Life().submitted().assigned(also=(FIRE_SERVICE,)), fire_service(), informed=True)
    assert message["Subject"] == "[JK2611240001] Tembusan: Jalan rusak, Kelurahan Gambir"
    assert message["To"].addresses[0].addr_spec == "gulkarmat@x.example"
    for body in parts(message):
        said = " ".join(body.split())
        for expected in (
            "Yth. Kepala Suku Dinas Penanggulangan Kebakaran dan Penyelamatan Kota Administrasi Jakarta Pusat",
            "ini tembusan, untuk Anda ketahui: laporan warga ini tanggung jawab Kelurahan Gambir. Yang menjawab warga adalah",
            "Lubang besar di depan halte, motor sering jatuh.",
            "Jl. Medan Merdeka Barat",
            "Titik laporan berada di Kelurahan Gambir.",
            "dapat membaca laporan ini",
        ):
            assert expected in said, expected
        for demanding in ("paling lambat", "anggapi", "menjawab atas nama", "Tangani sekarang"):
            assert demanding not in said, demanding


def test_one_who_is_informed_of_an_emergency_sees_that_it_is_one_and_reads_their_own_language():
    life = Life().submitted().assigned(urgency="emergency", also=(FIRE_SERVICE,))
    message = mail(life, fire_service("en"), informed=True)
    assert message["Subject"] == "[JK2611240001] EMERGENCY, for your information: Damaged road / pothole, Kelurahan Gambir"
    assert message["Importance"] == "high"
    for body in parts(message):
        said = " ".join(body.split())
        assert "this is for your information: this citizen's report is the responsibility of Kelurahan Gambir. It is" in unescape(
            said
        )
        assert "Act now" not in said
    assert message["Message-ID"] != mail(life, fire_service("en"))["Message-ID"]


@pytest.mark.parametrize(
    ("others", "language", "subject"),
    [
        (("kebakaran", "banjir"), "id", "Tembusan, mungkin darurat (Kebakaran)"),
        (("pohon", "banjir"), "en", "For your information, may be an emergency (Flood)"),
        (("pohon", "lampu_ajaib"), "id", "Tembusan"),
        (("jalan_rusak",), "id", "Tembusan"),
    ],
)
def test_one_who_is_informed_of_what_may_be_an_emergency_sees_which(others, language, subject):
    decision = TOLD_ALL.model_copy(update={"other_categories": others})
    life = Life().submitted().assigned(also=(FIRE_SERVICE,), decision=decision)
    message = mail(life, fire_service(language), informed=True)
    assert message["Subject"].startswith(f"[JK2611240001] {subject}: ")
    # Whoever must act is not told that it is one: the category that counts is none.
    assert mail(life)["Subject"] == "[JK2611240001] Laporan baru: Jalan rusak, Kelurahan Gambir"


def test_one_who_is_informed_of_an_emergency_that_counts_sees_no_other():
    decision = TOLD_ALL.model_copy(update={"other_categories": ("kebakaran", "banjir")})
    life = Life().submitted().assigned(also=(FIRE_SERVICE,), decision=decision, urgency="emergency")
    assert mail(life, fire_service(), informed=True)["Subject"].startswith("[JK2611240001] DARURAT, tembusan: ")
    flood = Life().submitted().assigned(also=(FIRE_SERVICE,), decision=decision, category="kebakaran", urgency="high")
    assert mail(flood, fire_service(), informed=True)["Subject"].startswith("[JK2611240001] Tembusan, mungkin darurat (Banjir): ")


def test_one_who_is_informed_before_a_unit_could_be_named_reads_who_names_it():
    life = Life().submitted().triaged(GAMBIR_DISTRICT, problem="only_kecamatan", also=(FIRE_SERVICE,))
    for body in parts(mail(life, fire_service(), informed=True)):
        said = " ".join(body.split())
        assert "laporan warga ini menunggu Kecamatan Gambir menentukan unit yang bertanggung jawab." in said
        assert "kelurahannya belum diketahui" not in said


def test_the_link_of_one_who_is_informed_is_their_own():
    text, _ = parts(mail(Life().submitted().assigned(also=(FIRE_SERVICE,)), fire_service(), informed=True))
    link = LINKS.read(re.search(r"https://n\.example/c/([\w.-]+)", text)[1])
    assert (link.unit_code, link.role) == (FIRE_SERVICE.code, "kepala_suku_dinas")


def test_a_camat_reads_that_the_ward_is_not_known():
    life = Life().submitted(location=None).triaged(GAMBIR_DISTRICT, problem="only_kecamatan", category="jalan_rusak")
    message = mail(life)
    assert message["Subject"] == "[JK2611240001] Tentukan unit penanggung jawab: Jalan rusak"
    for body in parts(message):
        said = " ".join(body.split())
        assert "Yth. Camat Gambir" in said
        assert "ada laporan warga untuk Kecamatan Gambir yang kelurahannya belum diketahui" in said


def test_the_office_above_a_camat_reads_that_the_camat_can_not_be_reached():
    life = Life().submitted().triaged(GAMBIR_DISTRICT, problem="unsure_category", ward=GAMBIR)
    message = mail(life, with_officials(jakarta(), {GAMBIR_DISTRICT.code: []}))
    assert message["Subject"] == "[JK2611240001] Kecamatan Gambir tidak terjangkau: Jalan rusak, Kelurahan Gambir"
    for body in parts(message):
        assert "menunggu Kecamatan Gambir menentukan unitnya, tetapi" in " ".join(body.split())


def test_an_official_who_reads_english_gets_english():
    city = with_officials(jakarta(), {GAMBIR.code: [official(GAMBIR, "lurah", "l@x.example", "en")]})
    message = mail(Life().submitted().assigned(), city)
    assert message["Subject"] == "[JK2611240001] New report: Damaged road / pothole, Kelurahan Gambir"
    assert message["Content-Language"] == "en"
    text, _ = parts(message)
    assert "The point of the report lies in Kelurahan Gambir." in text
    assert "by Tue, 24 Nov 2026, 15:05 WIB" in text


def test_what_a_citizen_wrote_can_not_become_markup_or_a_header():
    life = (
        Life(number="JK1")
        .submitted(description="<img src=x>\r\nBcc: all@x.example\n.\nQUIT", address="a\r\nSubject: x")
        .assigned()
    )
    message = mail(life)
    text, html = parts(message)
    assert message["Bcc"] is None
    assert "<img src=x>" in text
    assert "<img src=x>" not in html
    assert "&lt;img src=x&gt;" in html


def test_a_name_with_a_line_break_can_not_become_a_header():
    city = with_officials(jakarta(), {GAMBIR.code: [official(GAMBIR, "lurah", "l@x.example")]})
    call = Life().submitted().assigned()
    alert = alerts.first(call.events[-1], city).alert
    evil = type(alert)(**{**{name: getattr(alert, name) for name in alert.__slots__}, "name": "A\r\nBcc: b@x.example"})
    complaint = lifecycle.fold(call.events, city.calendar)
    made = composer().compose(evil, complaint, call.events[0].model_dump_json(), call.events[1].model_dump_json())
    assert email.message_from_bytes(made, policy=email.policy.default)["Bcc"] is None


def test_machines_are_told_that_a_machine_wrote_it():
    message = mail(Life().submitted().assigned())
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["List-Id"] == "Tanggap Jakarta <alerts.jakarta.example>"
    assert message["From"] == "Tanggap Jakarta <tanggap@jakarta.example>"
    assert message["Date"].datetime == NOW
    assert message.get_content_type() == "multipart/alternative"


def test_mails_of_one_complaint_make_a_thread_and_a_second_copy_has_the_same_id():
    life = Life().submitted().assigned()
    first, second = mail(life), mail(life, now=NOW + timedelta(hours=1))
    assert first["Message-ID"] == second["Message-ID"]
    assert first["References"] == f"<complaint.{life.id}@jakarta.example>"
    assert mail(Life().submitted().assigned())["Message-ID"] != first["Message-ID"]


def test_every_line_is_short_enough_for_smtp_whatever_the_citizen_wrote():
    life = Life().submitted(description="Aduh 😀 " + "x" * 5000, address="é" * 900).assigned()
    alert = alerts.first(life.events[-1], jakarta()).alert
    complaint = lifecycle.fold(life.events, jakarta().calendar)
    made = composer().compose(alert, complaint, life.events[0].model_dump_json(), life.events[1].model_dump_json())
    assert made.isascii()
    assert max(len(line) for line in made.split(b"\r\n")) <= 998
    assert b"\n" not in made.replace(b"\r\n", b"")
    text, html = parts(email.message_from_bytes(made, policy=email.policy.default))
    assert "Aduh 😀 " + "x" * 5000 in text
    assert "é" * 900 in html


def test_a_subject_in_any_script_comes_out_as_it_went_in():
    city = jakarta()
    life = (
        Life(number="JK2611240001").submitted().assigned(ward={"code": "31.71.01.1001", "name": "Gambír 漢字 " + "panjang " * 30})
    )
    message = mail(life, city)
    assert "Gambír 漢字" in message["Subject"]
    assert len(message["Subject"]) <= 140


def test_no_mail_can_name_the_reporter():
    assert not {"reporter", "phone", "email", "name"} & set(ComplaintSubmitted.model_fields)


def test_the_citys_own_texts_pass_the_check_at_the_start():
    composer().check()


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("alert.txt", "{{ nothing_of_the_kind }}"),
        ("alert.html", "{% if %}"),
        ("alert.subject.txt", "{{ number | unheard_of }}"),
        ("alert.html", "{{ received_at + 1 }}"),
    ],
)
def test_a_broken_text_is_named_at_the_start(tmp_path: Path, name, broken):
    texts = tmp_path / "mail"
    shutil.copytree(FOLDER / "texts" / "mail", texts)
    (texts / name).write_text(broken)
    with pytest.raises(TextFault, match=r"texts/mail: .*the alert `assigned`"):
        composer(texts).check()


def test_a_clock_that_has_stopped_is_not_in_the_mail():
    camat = GAMBIR_DISTRICT
    life = Life().submitted().assigned().acknowledged({"role": "camat", "unit": camat})
    text, _ = parts(mail(life))
    assert "Beri tanggapan pertama" not in text
    assert "Selesaikan: paling lambat" in text
