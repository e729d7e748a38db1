"""The parts of the program that makes the embedded Chongming study out of facts."""
