from stack import forms

PAGE = """<html><head><title> JK2611240001:
 Sampah </title></head><body>
<form method="get" action="/cari"><input name="q" value="a &amp; b"></form>
<form method="POST" action="/c/x?lang=en#main">
<input type="hidden" name="act" value="resolve"><input type="hidden" name="nonce" value="n1">
<textarea name="note" rows="4">
sudah &lt;dua&gt;
baris</textarea><button type="submit">Kirim</button></form></body></html>"""


def test_a_page_is_read_as_a_browser_would_send_it() -> None:
    title, (search, answer) = forms.read(PAGE)
    assert title == "JK2611240001: Sampah"
    assert (search.method, search.fields) == ("get", {"q": "a & b"})
    assert (answer.method, answer.action) == ("post", "/c/x?lang=en#main")
    assert answer.fields == {"act": "resolve", "nonce": "n1", "note": "sudah <dua>\nbaris"}
    assert answer.free == ["note"]
