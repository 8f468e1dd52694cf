"""The chaos harness: a generator of histories, a nemesis that kills, and a checker that reads the books afterwards."""
