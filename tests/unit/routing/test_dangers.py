"""Whoever answers the emergency number hears of a danger to life, whatever category and unit a complaint goes to, in either language."""

import pytest

from services.routing.policy.policy import Target
from services.routing.router import Router
from tests.support.routing import BEKASI, DECIDED, JAKARTA, MONAS, submitted

EMERGENCY_SERVICE = "bpbd"
FIRE_SERVICE = "sudin-gulkarmat.31.71"


@pytest.fixture(scope="module")
def router():
    return Router.load(JAKARTA, now=lambda: DECIDED)


def told(router, text, category=None):
    """The codes of all units that a complaint at Monas reaches."""
    event = router.decide(submitted(category, MONAS, words=text, address=None))
    return {unit.code for unit in (event.unit, *event.also)}


@pytest.mark.parametrize(
    ("text", "category", "at"),
    [("ada orang pingsan", "sampah", None), ("ada orang pingsan di halte", "xyz", MONAS), ("warung terbakar", "pkl", BEKASI)],
)
def test_a_danger_to_life_is_urgent_to_the_desk_that_must_name_its_unit(router, text, category, at):
    event = router.decide(submitted(category, at, words=text, address=None))
    assert (event.type, event.urgency) == ("complaint.triage_requested", "emergency")
    calm = router.decide(submitted(category, at, words="belum diangkut", address=None))
    assert (calm.type, calm.urgency) == ("complaint.triage_requested", "normal")
    # The desk's own clocks are for what can wait until the morning.
    assert [clock.budget_seconds for clock in event.clocks] == [3_600, 3_600, 7 * 86_400]
    assert [clock.budget_seconds for clock in calm.clocks] == [6 * 3_600, 86_400, 7 * 86_400]
    for language, said in (("id", " Diperlakukan sebagai keadaan darurat."), ("en", " Treated as an emergency.")):
        assert said in getattr(event.decision.reason, language)
        assert said not in getattr(calm.decision.reason, language)


def test_an_assignment_is_as_urgent_as_its_category_whatever_danger_is_told(router):
    event = router.decide(submitted("sampah", MONAS, words="ada orang pingsan", address=None))
    assert (event.type, event.urgency) == ("complaint.assigned", "normal")
    assert "Treated as an emergency." not in event.decision.reason.en


def dangers(router, text):
    """The notices to the emergency service that match by words, whatever the classifier makes of them."""
    known = router.know(submitted("sampah", MONAS, words=text, address=None))
    assert known.facts.category == "sampah"
    found = router.policy.ask(known.facts).notices
    return {one.name for one in found if Target("agency", EMERGENCY_SERVICE) in one.targets}


@pytest.mark.parametrize(
    "text",
    [
        "Gedung runtuh, ada korban",
        "jembatan roboh",
        "ibu saya serangan jantung tolong ambulan",
        "Ada bom di mall",
        "ada orang pingsan di jalan",
        "tabrak lari, korban tergeletak",
        "anak tetangga kejang dari tadi",
        "ada anak tenggelam di kali",
        "someone is drowning",
        "I heard gunshots",
        "a wall collapsed, people are trapped",
        "my neighbor's house is burning",
    ],
)
@pytest.mark.parametrize("category", [None, "sampah", "lainnya"])
def test_a_danger_to_life_is_told_whatever_the_category(router, text, category):
    assert EMERGENCY_SERVICE in told(router, text, category)


@pytest.mark.parametrize(
    "text",
    [
        "butuh ambulance segera di Jl. Kebon Sirih, bapak saya jatuh di kamar mandi",
        "tolong panggil ambulance, ada nenek jatuh di tangga",
        "tolong kirim ambulance ke depan stasiun",
        "tolong ambulance cepat pak",
        "perlu ambulans di pasar, pedagangnya jatuh",
        "perlu ambulan cepet min",
        "perlu ambulance sekarang juga",
        "minta ambulans ke RT 05",
        "mohon dikirim ambulans, ayah saya tidak bangun",
        "please send ambulance",
        "there is a burning house behind the mosque",
        "a car is burning on the toll road",
        "the shop next door is in flames",
        "my father cannot breathe",
        "an old man can't breathe here, please hurry",
        "please hurry, she can’t breathe",
        "she is not breathing",
        "my neighbour is bleeding badly",
        "there was a shooting near the mall",
        "someone is shooting at people here",
        "my brother was shot",
        "he is unconscious and not waking up",
        "a woman passed out at the bus stop",
        "someone has been hit by a train",
        "a dead body is floating in the river",
        "there is a gas leak in our building",
        "my daughter swallowed poison",
        "a man is about to jump off the bridge",
        "pengendara motor tewas di depan halte",
        "ada yang meninggal di tempat, motornya masih di jalan",
        "tanah ambrol di belakang rumah, dua rumah ikut kebawa",
        "jembatannya ambrol, ada motor jatuh ke kali",
        "turap ambrol, rumah di atasnya retak semua",
        "puluhan siswa keracunan makanan di sekolah",
        "satu keluarga keracunan asap genset",
        "anak kecil terseret arus kali",
        "bocah kebawa arus di selokan besar",
        "atap sekolah ambruk, murid masih di dalam kelas",
        "atap pasar roboh kena pedagang",
        "atap rumahnya runtuh semalam",
        "bapak saya sesak napas parah dan bibirnya biru",
        "ibu saya sesak nafas berat tolong",
        "tetangga ga bisa napas, tolong",
        "suami saya susah bernapas",
        "korban berlumuran darah di trotoar",
        "ada orang bersimbah darah di halte",
        "ibu hamil pendarahan, mobil tidak bisa lewat",
        "istri saya melahirkan di jalan",
        "pekerja jatuh dari lantai 5 proyek",
        "orang terlindas truk di perempatan",
        "ada yang tertabrak kereta di perlintasan",
        "mobil terjun ke kali, sopir masih di dalam",
        "tetangga saya ditikam tadi",
        "anak saya di tusuk orang",
        "ada penembakan di depan bank",
        "barusan terjadi penusukan di parkiran",
        "orang bawa parang ngamuk di gang",
        "teman saya overdosis",
        "anak saya step kejang-kejang",
        "orang itu mau loncat dari jembatan penyeberangan",
        "tolong pemadam kebakaran ke gang sempit belakang masjid",
        "kirim pemadam pak, apinya udah gede",
        "api nyala gede di lapak pemulung",
        "ada perampokan pake pistol di alfamart",
        "tawuran, ada yg kena bacok kepalanya",
        "guy with a knife threatening people",
        "bocah kecebur sumur",
        "tanggul kali jebol, air masuk kampung",
        "tabrakan di tol, banyak korban luka",
        "ibu saya ga sadarkan diri",
        "bau gas menyengat dari pipa",
        "metromini terbalik, penumpang kejepit",
        "tabung gas bocor di dapur umum, bau sekali",
        "anak saya mau bunuh diri",
        "anak saya tersedak, mukanya biru",
        "kakek kena serangan stroke di musala",
        "dipukuli sampai pingsan di terminal",
        "Takut kebakaran? Ini sudah kebakaran pak, cepat",
        "Tiang listrik ini bahaya! Terbakar!",
        "sampah bahaya. Terbakar sekarang",
        "Tolong kalau bisa, kebakaran nih",
        "Cepat tolong!!! Bahaya!! Kebakaran",
        "ini bahaya\nterbakar",
        "tidak bisa ditunggu; kebakaran",
        "tolong bisa cepat kebakaran",
        "anaknya mau bunuh diri",
        "takut, ada begal di depan rumah",
        "kakek tidak bisa napas",
        "jangan lama-lama rumah terbakar",
        "kalau bisa cepat, rumah tetangga kebakaran",
        "kami takut sekali. Ada begal bawa golok",
        "cepat pak sebelum terlambat rumah warga terbakar semua",
        "hati-hati lewat situ! barusan kebakaran",
        "rumah rubuh, orangnya ketimbun",
        "tembok sekolah rubuh kena murid",
        "atap warung rubuh menimpa pekerja",
        "gedung tua rubuh barusan",
        "orang tua tergeletak di trotoar",
        "ada orang tergeletak depan minimarket",
        "anak kecil kena setrum tiang lampu",
        "tukang kesetrum di atap",
        "teman saya kestrum kabel",
        "tiang lampu nyetrum, anak jatuh",
        "dahan menimpa pejalan kaki",
        "papan reklame menimpa warga",
        "besi proyek menimpa anak",
        "korban sekarat di pinggir jalan",
        "bapak saya ga sadar habis jatuh",
        "istri saya gak sadar dari tadi",
        "mulutnya berbusa, tolong",
        "anak keselek biji salak",
        "a woman fainted at the station",
        "smell of gas in the corridor",
        "there is a strong gas smell in our flat",
        "there was a stabbing near the market",
        "orang mau terjun dari jpo",
        "rumah mau roboh, penghuni masih di dalam",
        "ada bayi dibuang di kardus",
        "percikan api di tiang listrik",
        "ada api di kabel depan rumah",
        "korban tidak bergerak",
        "tidak terkendali apinya besar",
        "jangan tutup telepon pak kebakaran",
        "bukan hoax ini rumah terbakar",
        "bisa kirim orang? ada yang pingsan",
        "kalau lambat mati semua, terbakar pasarnya",
        "tolong! ada mayat",
        "orang terjebak di dalam lift yang terbakar",
        "bapak tetangga mukulin anaknya tiap malem",
        "suami sering mukulin istrinya",
        "anak dipukuli ibu tirinya",
        "ada yang teriak2 minta tolong dari rumah sebelah",
        "tetangga saya korban kdrt",
        "rumah warga kami roboh tadi malam",
        "tembok pembatas proyek ambruk",
    ],
)
def test_a_danger_to_life_is_told_in_any_of_the_words_that_people_have_for_it(router, text):
    assert dangers(router, text)


@pytest.mark.parametrize(
    "text",
    [
        "Kantor pemadam kebakaran butuh AC baru",
        "pos pemadam kebakaran di kelurahan kami temboknya kusam",
        "jalan di depan dinas pemadam kebakaran berlubang",
        "mobil pemadam kebakaran parkir di trotoar tiap sore",
        "Bagaimana cara daftar asuransi kebakaran untuk rusun?",
        "alat pemadam kebakaran di rusun kami sudah kedaluwarsa",
        "minta penyuluhan pencegahan kebakaran untuk warga RW 03",
        "simulasi kebakaran di sekolah bikin macet",
        "alarm kebakaran di kantor kelurahan bunyi terus tiap malam",
        "tangga darurat kebakaran dipakai gudang barang",
        "kabel semrawut begini rawan kebakaran",
        "bakar sampah terus, takut kebakaran",
        "kabelnya menumpuk, khawatir terbakar",
        "jangan sampai kebakaran dulu baru dirapikan",
        "potensi kebakaran tinggi karena colokan menumpuk",
        "anak-anak main game free fire on fire teriak-teriak sampai malam",
        "our team is on fire, when will the futsal field open?",
        "gerobak kopi On Fire Coffee menutup trotoar",
        "jalan ini rawan begal, minta lampu",
        "lampu mati, takut dibegal kalau lewat malam",
        "takut ditusuk preman kalau lewat situ",
        "minta patroli anti begal tiap malam",
        "gelap sekali, rawan pembegalan dan takut begal",
        "nyamuknya banyak, anak saya kejang otot kakinya habis main bola tadi",
        "bau got sampai mau pingsan",
        "baunya bikin pingsan, tolong sampahnya diangkut",
        "antri KTP lama, hampir pingsan saya",
        "baunya bikin sesak napas",
        "asap pabrik bikin warga sesak nafas",
        "jembatan kayu ini sudah lapuk, takut ambrol",
        "JPO keropos, takut ambrol kalau ramai",
        "jangan sampai ada korban jiwa baru diperbaiki",
        "tolong ditambal sebelum ada korban jiwa",
        "lubang di jalan ini bisa menelan korban jiwa",
        "ban motor saya ditusuk orang di parkiran",
        "trotoar dipakai lokasi shooting film sampai malam",
        "they are shooting a movie and block the road",
        "mobil ambulance susah lewat karena parkir liar",
        "ambulan RW kami rusak, kapan diganti",
        "ibu saya meninggal bulan lalu, bagaimana urus akta kematian",
        "ikan di kolam taman banyak yang mati keracunan limbah",
        "warga minta fogging, demam berdarah sudah lima orang",
        "lampu PJU ditembak orang pakai senapan angin",
        "minta pagar di pinggir kali biar anak-anak ga tenggelam",
        "tutup got hanyut kebawa banjir kemarin",
        "knalpot motor kaya suara tembakan",
        "tolong cek hidran sebelum musim kebakaran",
        "got depan rumah tertimbun lumpur",
        "selokan tertimbun tanah proyek",
        "banyak kabel menjuntai, takut kesetrum kalau hujan",
        "sering ada begal di sini, minta lampu dan CCTV",
        "bekas kebakaran di gang 3 belum dibersihkan puingnya",
        "tiang listrik miring takut roboh menimpa rumah",
        "kalau hujan turap ini rawan longsor",
        "tanggul retak, takut longsor",
        "sampahnya meledak, belum diangkut sejak Lebaran",
        "jumlah pendatang meledak, puskesmas penuh",
        "harga meledak, minta pasar murah",
        "petasan meledak terus tiap malam, berisik",
        "motor tidak kuat, knalpot meledak-ledak bikin bising",
        "pelatihan kerja untuk korban kebakaran tahun lalu kapan dibuka",
        "I am dying to know when the park opens",
        "this road is killing my tires",
        "nunggu ada yang tewas dulu baru zebra cross dicat?",
        "jangan nunggu ada korban tewas baru dipasang lampu",
        "kabel semrawut bisa menyebabkan kebakaran",
        "khawatir terjadi kebakaran di gardu ini",
        "kabel menjuntai dikhawatirkan terjadi kebakaran",
        "tumpukan kardus berpotensi menimbulkan kebakaran",
        "instalasi listrik tua dapat memicu kebakaran",
        "jangan nunggu kebakaran baru kabelnya dirapihin",
        "warga khawatir akan kebakaran",
        "setelah kebakaran kemarin puing belum diangkut",
        "kebakaran tahun 2019 dokumen saya hangus",
        "gelap, warga takut kena begal",
        "minta ambulans RW yang rusak diperbaiki",
        "rumah roboh belum dapat bantuan",
        "ranting kering dapat menimpa motor",
        "tagihan listrik saya meledak",
        "colokan numpuk dapat mengakibatkan kebakaran",
        "trafo tua ini kalau dibiarkan bisa meledak",
        "takut tiba-tiba meledak gardunya",
        "warga cemas akan terjadi longsor",
        "tembok sekolah retak dan mau roboh",
        "rumah tua di sebelah bisa rubuh kapan saja",
        "atap halte keropos khawatir roboh",
        "JPO miring, jangan sampai ada yang tewas",
        "agar tidak ada kebakaran tolong kabelnya dirapikan",
        "supaya ga ada lagi begal, pasang lampu",
        "lubangnya dalam, nunggu ada orang pingsan dulu?",
        "pohon besar ini berisiko tumbang menimpa rumah",
        "untuk mencegah terjadinya kebakaran mohon dipasang hidran",
        "kalau terjadi kebakaran mobil pemadam tidak bisa masuk",
        "antisipasi kebakaran, minta APAR tiap RT",
        "ibu-ibu gak sadar buang sampah ke kali",
        "popok bayi dibuang ke got",
        "di depan rumah ada pohon roboh",
        "motor tergeletak di trotoar sudah lama ditinggal",
        "kucing tergeletak di jalan",
        "makam di TPU Menteng Pulo longsor karena hujan",
        "ranting pohon tergeletak di trotoar",
        "tiang listrik di depan sekolah rawan roboh",
        "semoga tidak terjadi kebakaran",
        "sebelum terjadi kebakaran tolong dicek",
        "kebakaran bulan lalu, kapan bantuan turun",
        "rumah saya terbakar tahun lalu, KTP ikut hilang",
        "penyebab kebakaran apa sudah diketahui?",
        "simulasi dan pelatihan kebakaran di kelurahan kapan",
        "sering banget begal di sini",
        "tiang listrik nyaris roboh",
    ],
)
def test_what_only_sounds_like_a_danger_is_none_by_its_words(router, text):
    # The classifier may take it for an emergency all the same.
    assert not dangers(router, text)


@pytest.mark.parametrize(
    "text",
    [
        "my neighbor's house is burning",
        "a building burning near me, please hurry",
        "the market is on fire",
        "rumah tetangga kebakar",
        "kebakaran di gang",
        "ada kobaran api dari atap ruko",
    ],
)
@pytest.mark.parametrize("category", [None, "sampah"])
def test_a_fire_reaches_the_fire_service(router, text, category):
    assert FIRE_SERVICE in told(router, text, category)


@pytest.mark.parametrize(
    "text",
    [
        "Sampah menumpuk di depan pasar",
        "Lampu jalan mati sudah seminggu, tolong diperbaiki",
        "people burn trash here every evening",
        "The road is full of potholes",
        "Trotoar rusak, banyak pedagang kaki lima",
        "Tutup got hilang, tolong segera ditutup sebelum ada korban",
        "jangan sampai ada korban, jalan rusak parah",
        "anak-anak sering hampir tertabrak motor, minta polisi tidur",
        "rumah kosong di sebelah mau ambruk",
        "got ini bom waktu, sampahnya numpuk",
        "the website collapsed again",
    ],
)
def test_what_endangers_nobody_is_not_told_as_a_danger(router, text):
    assert not {EMERGENCY_SERVICE, FIRE_SERVICE} & told(router, text)
