using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ReSciCredentials.Storage.Migrations
{
    /// <inheritdoc />
    public partial class CredentialCare : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<int>(
                name: "ChecksWithoutVerdict",
                table: "credentials",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<long>(
                name: "DeletedAt",
                table: "credentials",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "DoubtedAt",
                table: "credentials",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<DateOnly>(
                name: "ExpiresOn",
                table: "credentials",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "NextCheckAt",
                table: "credentials",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<Guid>(
                name: "PendingKeyUid",
                table: "credentials",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<Guid>(
                name: "PreviousKeyUid",
                table: "credentials",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "PreviousKeyWipedAt",
                table: "credentials",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<DateOnly>(
                name: "ReviewOn",
                table: "credentials",
                type: "TEXT",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "credential_checks",
                columns: table => new
                {
                    Id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    CredentialId = table.Column<int>(type: "INTEGER", nullable: false),
                    KeyUid = table.Column<Guid>(type: "TEXT", nullable: false),
                    At = table.Column<long>(type: "INTEGER", nullable: false),
                    Step = table.Column<string>(type: "TEXT", nullable: false),
                    HttpStatus = table.Column<int>(type: "INTEGER", nullable: true),
                    Latency = table.Column<int>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_credential_checks", x => x.Id);
                    table.ForeignKey(
                        name: "FK_credential_checks_credentials_CredentialId",
                        column: x => x.CredentialId,
                        principalTable: "credentials",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_credentials_CurrentKeyUid",
                table: "credentials",
                column: "CurrentKeyUid");

            migrationBuilder.CreateIndex(
                name: "IX_credentials_DeletedAt",
                table: "credentials",
                column: "DeletedAt",
                filter: "\"DeletedAt\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_credentials_NextCheckAt",
                table: "credentials",
                column: "NextCheckAt");

            migrationBuilder.CreateIndex(
                name: "IX_credentials_OwnerId_CheckedAt_Id",
                table: "credentials",
                columns: new[] { "OwnerId", "CheckedAt", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_credentials_OwnerId_ExpiresOn_Id",
                table: "credentials",
                columns: new[] { "OwnerId", "ExpiresOn", "Id" },
                filter: "\"ExpiresOn\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_credentials_OwnerId_ReviewOn_Id",
                table: "credentials",
                columns: new[] { "OwnerId", "ReviewOn", "Id" },
                filter: "\"ReviewOn\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_credentials_OwnerId_VerifiedStatus_Id",
                table: "credentials",
                columns: new[] { "OwnerId", "VerifiedStatus", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_credentials_PreviousKeyWipedAt",
                table: "credentials",
                column: "PreviousKeyWipedAt",
                filter: "\"PreviousKeyWipedAt\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_credential_keys_LastFour",
                table: "credential_keys",
                column: "LastFour");

            migrationBuilder.CreateIndex(
                name: "IX_credential_checks_CredentialId_Id",
                table: "credential_checks",
                columns: new[] { "CredentialId", "Id" });

            migrationBuilder.Sql("""
                CREATE INDEX "IX_credentials_OwnerId_Id" ON "credentials" ("OwnerId", "Id");
                CREATE INDEX "IX_credentials_OwnerId_Name_Id" ON "credentials" ("OwnerId", "Name" COLLATE NOCASE, "Id");
                CREATE INDEX "IX_credentials_OwnerId_VerifiedStatus_Name_Id" ON "credentials" ("OwnerId", "VerifiedStatus", "Name" COLLATE NOCASE, "Id");

                -- What is searched. The text lies in the credentials alone; the triggers keep the index of its words.
                CREATE VIRTUAL TABLE "credential_words" USING fts5(
                    "Name", "Description", content='credentials', content_rowid='Id', tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co So'", prefix='1 2 3');
                CREATE TRIGGER "credential_words_added" AFTER INSERT ON "credentials" BEGIN
                    INSERT INTO "credential_words" (rowid, "Name", "Description") VALUES (new."Id", new."Name", new."Description");
                END;
                CREATE TRIGGER "credential_words_removed" AFTER DELETE ON "credentials" BEGIN
                    INSERT INTO "credential_words" ("credential_words", rowid, "Name", "Description") VALUES ('delete', old."Id", old."Name", old."Description");
                END;
                CREATE TRIGGER "credential_words_changed" AFTER UPDATE OF "Name", "Description" ON "credentials" BEGIN
                    INSERT INTO "credential_words" ("credential_words", rowid, "Name", "Description") VALUES ('delete', old."Id", old."Name", old."Description");
                    INSERT INTO "credential_words" (rowid, "Name", "Description") VALUES (new."Id", new."Name", new."Description");
                END;
                INSERT INTO "credential_words" ("credential_words") VALUES ('rebuild');
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("""
                DROP TRIGGER "credential_words_changed";
                DROP TRIGGER "credential_words_removed";
                DROP TRIGGER "credential_words_added";
                DROP TABLE "credential_words";
                DROP INDEX "IX_credentials_OwnerId_VerifiedStatus_Name_Id";
                DROP INDEX "IX_credentials_OwnerId_Name_Id";
                DROP INDEX "IX_credentials_OwnerId_Id";
                """);

            migrationBuilder.DropTable(
                name: "credential_checks");

            migrationBuilder.DropIndex(
                name: "IX_credentials_CurrentKeyUid",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_DeletedAt",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_NextCheckAt",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_OwnerId_CheckedAt_Id",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_OwnerId_ExpiresOn_Id",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_OwnerId_ReviewOn_Id",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_OwnerId_VerifiedStatus_Id",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_PreviousKeyWipedAt",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credential_keys_LastFour",
                table: "credential_keys");

            migrationBuilder.DropColumn(
                name: "ChecksWithoutVerdict",
                table: "credentials");

            migrationBuilder.DropColumn(
                name: "DeletedAt",
                table: "credentials");

            migrationBuilder.DropColumn(
                name: "DoubtedAt",
                table: "credentials");

            migrationBuilder.DropColumn(
                name: "ExpiresOn",
                table: "credentials");

            migrationBuilder.DropColumn(
                name: "NextCheckAt",
                table: "credentials");

            migrationBuilder.DropColumn(
                name: "PendingKeyUid",
                table: "credentials");

            migrationBuilder.DropColumn(
                name: "PreviousKeyUid",
                table: "credentials");

            migrationBuilder.DropColumn(
                name: "PreviousKeyWipedAt",
                table: "credentials");

            migrationBuilder.DropColumn(
                name: "ReviewOn",
                table: "credentials");
        }
    }
}
