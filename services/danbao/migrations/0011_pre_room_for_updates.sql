-- Room on a page for a new version of each of its rows: streams that began in one batch lie on one
-- page, and move in one batch.  A version without room goes elsewhere, with an entry in the index.
ALTER TABLE danbao.stream_states SET (fillfactor = 45);
