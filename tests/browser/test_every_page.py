"""Every page in every state is there for everybody: with a screen reader, on a small screen, with a thumb."""

import pytest

from tests.browser.conftest import Coming, Sessions
from tests.browser.looks import accessibility_of, sideways, too_small
from tests.browser.scene import Scene
from tests.browser.states import STATES, State
from tests.browser.visitor import HEIGHT, WIDTHS


@pytest.mark.parametrize("state", STATES, ids=str)
async def test_everybody_can_use_it(coming: Coming, sessions: Sessions, scene: Scene, state: State) -> None:
    visitor = await coming(session=await sessions(state.person))
    await state.reach(visitor, scene)
    for width in reversed(WIDTHS):
        await visitor.page.set_viewport_size({"width": width, "height": HEIGHT})
        assert await sideways(visitor.page) == 0, f"at {width} px"
        assert await too_small(visitor.page) == [], f"at {width} px"
        if width != 768:
            assert await accessibility_of(visitor.page) == "", f"at {width} px"
