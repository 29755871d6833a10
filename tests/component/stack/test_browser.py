from playwright.async_api import BrowserContext


async def test_a_phone_and_a_desktop_show_a_page_at_their_width(phone: BrowserContext, desktop: BrowserContext) -> None:
    widths = []
    for window in (phone, desktop):
        page = await window.new_page()
        await page.set_content("<meta name=viewport content='width=device-width'><p>Halo</p>")
        widths.append(await page.evaluate("window.innerWidth"))
    assert widths == [390, 1280]
