"""The law suite: every primitive and public function obeys the same laws (see `case.Case`)."""
