using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ReSciCredentials.Storage.Migrations
{
    /// <inheritdoc />
    public partial class WithoutCredential : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            MakeOptional(migrationBuilder);

            migrationBuilder.AddColumn<string>(
                name: "IngestMethod",
                table: "flows",
                type: "TEXT",
                maxLength: 100,
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Tags",
                table: "flows",
                type: "TEXT",
                nullable: false,
                defaultValue: "[]");

            migrationBuilder.AddColumn<string>(
                name: "Tags",
                table: "credentials",
                type: "TEXT",
                nullable: false,
                defaultValue: "[]");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) => MakeRequired(migrationBuilder);

        // To be kept when this migration is made anew, in the place of AlterColumn. EF would make the table anew for that, which takes foreign keys off and so
        // cannot be one transaction: a process killed in between would leave a half of it behind. SQLite says how to take a NOT NULL away in the text of the
        // schema alone, whatever the number of rows (https://sqlite.org/lang_altertable.html#otheralter). Columns are added after it, so that all connections
        // read the schema again.
        private static void MakeOptional(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET sql = replace(sql, '"CredentialId" INTEGER NOT NULL', '"CredentialId" INTEGER NULL') WHERE type = 'table' AND name = 'flows';
            PRAGMA writable_schema = RESET;
            """);

        // As above. What has no credential cannot be kept.
        private static void MakeRequired(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            DELETE FROM "flows" WHERE "CredentialId" IS NULL;
            PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET sql = replace(sql, '"CredentialId" INTEGER NULL', '"CredentialId" INTEGER NOT NULL') WHERE type = 'table' AND name = 'flows';
            PRAGMA writable_schema = RESET;
            ALTER TABLE "flows" DROP COLUMN "IngestMethod";
            ALTER TABLE "flows" DROP COLUMN "Tags";
            ALTER TABLE "credentials" DROP COLUMN "Tags";
            """);
    }
}
