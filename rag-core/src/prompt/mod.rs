//! Question, hits and budget to the tokens the generator sees.
