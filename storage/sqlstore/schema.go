package sqlstore

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing/fstest"
	"time"
)

//go:embed schema
var embedded embed.FS

// Schema returns the numbered SQL files that make the tables of a dialect and
// a prefix (empty means the default), for those who migrate with a tool of
// their own: NNNN_name.up.sql, each beginning with "-- +goose Up". Files are
// added later, never changed. Of an unknown dialect or an invalid prefix,
// every file is an error that says so.
func Schema(dialect Dialect, prefix string) fs.FS {
	files, err := schemaFiles(dialect, prefix)
	if err != nil {
		return brokenFS{err}
	}
	out := fstest.MapFS{} // a plain file system in memory; it links nothing of package testing
	for _, f := range files {
		out[f.name] = &fstest.MapFile{Data: []byte(f.text), Mode: 0o444}
	}
	return out
}

type brokenFS struct{ err error }

func (b brokenFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: b.err}
}

type schemaFile struct{ name, text string }

// schemaFiles returns the files in their order. In the files the prefix is
// the default one, so that they can be read and tried as they are.
func schemaFiles(dialect Dialect, prefix string) ([]schemaFile, error) {
	prefix, err := Config{TablePrefix: prefix}.prefix()
	if err != nil {
		return nil, err
	}
	dir := path.Join("schema", dialect.String())
	entries, err := embedded.ReadDir(dir)
	if err != nil {
		return nil, unknownDialect(dialect)
	}
	var out []schemaFile
	for _, entry := range entries {
		text, err := embedded.ReadFile(path.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, schemaFile{entry.Name(), strings.ReplaceAll(string(text), defaultPrefix, prefix)})
	}
	return out, nil
}

// Migrate makes the tables that are missing. It is never called unasked, does
// nothing where all is there, and may be called by several processes at once,
// or again after it was interrupted. It is for apps without migrations of
// their own; the others apply [Schema].
//
// What fails is tried again for about a second: whatever the busy timeout,
// SQLite does not wait while another process puts a new file into WAL mode.
func (s *Store) Migrate(ctx context.Context) error {
	files, err := schemaFiles(s.dialect, s.prefix)
	if err != nil {
		return err
	}
	pause := time.NewTicker(migratePause)
	defer pause.Stop()
	for range migrateTries {
		if err = s.migrate(ctx, files); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-pause.C:
		}
	}
	return err
}

const (
	migrateTries = 20
	migratePause = 50 * time.Millisecond
)

// migrate applies all files. Each statement does nothing where it has been
// applied before.
func (s *Store) migrate(ctx context.Context, files []schemaFile) error {
	for _, f := range files {
		for _, statement := range splitStatements(f.text) {
			if _, err := s.db.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("sqlstore: migrate: %s: %w", f.name, err)
			}
		}
	}
	return nil
}

// splitStatements splits one of our own files, in which a semicolon only ends
// a statement and a comment has a line of its own.
func splitStatements(text string) []string {
	var code strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			code.WriteString(line)
		}
	}
	var out []string
	for statement := range strings.SplitSeq(code.String(), ";") {
		if statement = strings.TrimSpace(statement); statement != "" {
			out = append(out, statement)
		}
	}
	return out
}

// Check returns an error, with a sentence on how to mend it, unless the tables
// are there with the columns and the unique constraints that the Store relies
// on. It reads no rows and changes nothing: call it whenever the app starts.
func (s *Store) Check(ctx context.Context) error {
	for _, c := range s.sql.check {
		if err := s.compile(ctx, c.statement); err != nil {
			return fmt.Errorf("sqlstore: the table %s is not as it should be: call Store.Migrate once, or apply the files of sqlstore.Schema: %w", c.table, err)
		}
	}
	return nil
}

func (s *Store) compile(ctx context.Context, explain string) (err error) {
	rows, err := s.db.QueryContext(ctx, explain)
	if err != nil {
		return err
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		continue
	}
	return rows.Err()
}
