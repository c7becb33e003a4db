-- Room on each page for a new version of each of its rows: streams of one batch lie on one page and
-- move in one batch.  A version that finds no room goes to another page, with an entry in the index.
ALTER TABLE danbao.stream_states SET (fillfactor = 45);
