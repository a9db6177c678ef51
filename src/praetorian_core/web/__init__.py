"""What HTTP says to the engine and what the engine answers, as plain values of no framework."""
