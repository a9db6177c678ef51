"""The parts of ``Guard``, one for each kind of call."""
