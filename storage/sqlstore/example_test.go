package sqlstore_test

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io/fs"
	"log"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/storage/sqlstore"
)

// appDriver stands for the driver that the app imports.
type appDriver struct{ driver.Connector }

func ExampleNew() {
	// In an app: sql.Open with its driver and the pragmas of the package
	// documentation.
	db := sql.OpenDB(appDriver{})
	db.SetMaxOpenConns(1)

	store, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{})
	if err != nil {
		log.Fatal(err)
	}
	// At start-up: store.Check(ctx), after store.Migrate(ctx) or with the files
	// of Schema among the app's own migrations. New touches nothing.
	var _ mfa.Store = store

	_, err = sqlstore.New(db, sqlstore.SQLite, sqlstore.Config{TablePrefix: "my-app"})
	fmt.Println(err)
	// Output: sqlstore: the table prefix is "my-app": use a-z, 0-9 and underscore, at most 32, and no digit first
}

func ExampleSchema() {
	files, err := fs.Glob(sqlstore.Schema(sqlstore.SQLite, "app_mfa_"), "*.up.sql")
	fmt.Println(files, err)
	// Output: [0001_create_credentials.up.sql 0002_create_records.up.sql] <nil>
}
