package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log"

	"github.com/go-mfa/mfa/storage/sqlstore"
)

// The driver is the app's: this example wants an import of
// modernc.org/sqlite, which this module does not have, and so is not run.
func ExampleNew() {
	db, err := sql.Open("sqlite", "file:app.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)")
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Check(context.Background()); err != nil {
		log.Fatal(err) // a table is missing: call store.Migrate, or apply Schema
	}
}

func ExampleSchema() {
	files, err := fs.Glob(sqlstore.Schema(sqlstore.SQLite, "app_mfa_"), "*.up.sql")
	fmt.Println(files, err)
	// Output: [0001_create_tables.up.sql] <nil>
}
