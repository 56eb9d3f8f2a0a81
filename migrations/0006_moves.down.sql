DROP TRIGGER note_move ON sync.documents;
DROP FUNCTION app.note_move();
DROP TABLE sync.moves;
