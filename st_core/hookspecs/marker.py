"""The mark of a hook specification, as pluggy looks for it."""

import pluggy

hookspec = pluggy.HookspecMarker("simpletuner")
