"""The passes of extraction: each reads one kind of thing from the parsed page into the draft of the view."""
