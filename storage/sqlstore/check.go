package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Check returns an error, with a sentence on how to mend it, unless the tables
// are there with the columns and the unique keys that the Store relies on. It
// reads no rows and changes nothing: call it whenever the app starts.
func (s *Store) Check(ctx context.Context) error {
	for _, t := range []table{
		{s.prefix + credentialsTable, credentialColumns, []string{"user_id, id", "id", "method, credential_key"}},
		{s.prefix + recordsTable, recordColumns, []string{"record_key"}},
	} {
		check := s.compile
		if s.dialect == MySQL {
			check = s.inspect
		}
		if err := s.retry(ctx, func() error { return check(ctx, t) }); err != nil {
			return fmt.Errorf("sqlstore: the table %s is not as it should be: call Store.Migrate once, or apply the files of sqlstore.Schema: %w", t.name, err)
		}
	}
	return nil
}

// table is what the statements rely on.
type table struct {
	name    string
	columns string
	unique  []string
}

// compile has the database plan an INSERT for each unique key, which runs
// nothing. SQLite and PostgreSQL refuse to plan for a column that is not there,
// and for a conflict target that no unique key backs.
func (s *Store) compile(ctx context.Context, t table) error {
	for _, key := range t.unique {
		explain := "EXPLAIN INSERT INTO " + t.name + " (" + t.columns + ") SELECT " + t.columns + " FROM " + t.name +
			" WHERE 1 = 0 ON CONFLICT (" + key + ") DO NOTHING"
		if err := s.each(ctx, func(*sql.Rows) error { return nil }, explain); err != nil {
			return err
		}
	}
	return nil
}

// inspect reads the information schema of MySQL, which has no conflict targets
// to plan for. What is compared must be VARBINARY: a collation would take
// "Alice" for "alice".
func (s *Store) inspect(ctx context.Context, t table) error {
	schema, name, qualified := strings.Cut(t.name, ".")
	if !qualified {
		schema, name = "", t.name
	}
	const where = " WHERE table_schema = COALESCE(NULLIF(?, ''), DATABASE()) AND table_name = ?"
	types := map[string]string{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var column, kind string
		err := rows.Scan(&column, &kind)
		types[strings.ToLower(column)] = strings.ToLower(kind)
		return err
	}, "SELECT column_name, data_type FROM information_schema.columns"+where, schema, name)
	if err != nil {
		return err
	}
	if len(types) == 0 {
		return errors.New("there is no such table")
	}
	for column := range strings.SplitSeq(t.columns, ", ") {
		if types[column] == "" {
			return fmt.Errorf("it has no column %s", column)
		}
		compared := slices.ContainsFunc(t.unique, func(key string) bool { return slices.Contains(strings.Split(key, ", "), column) })
		if compared && types[column] != "varbinary" {
			return fmt.Errorf("its column %s is %s, not varbinary", column, types[column])
		}
	}
	return s.inspectKeys(ctx, t, where, schema, name)
}

func (s *Store) inspectKeys(ctx context.Context, t table, where, schema, name string) error {
	keys := map[string][]string{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var index, column string
		err := rows.Scan(&index, &column)
		keys[index] = append(keys[index], strings.ToLower(column))
		return err
	}, "SELECT index_name, COALESCE(column_name, '') FROM information_schema.statistics"+where+" AND non_unique = 0 AND sub_part IS NULL ORDER BY index_name, seq_in_index", schema, name)
	if err != nil {
		return err
	}
	for _, key := range t.unique {
		found := false
		for _, columns := range keys {
			found = found || strings.Join(columns, ", ") == key
		}
		if !found {
			return fmt.Errorf("it has no unique key (%s)", key)
		}
	}
	return nil
}

// each calls do for every row of a query that is sent once.
func (s *Store) each(ctx context.Context, do func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
