using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ReSciCredentials.Storage.Migrations
{
    /// <inheritdoc />
    public partial class QuickLists : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "IX_credentials_CheckedAt_Id",
                table: "credentials",
                columns: new[] { "CheckedAt", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_credentials_ExpiresOn_Id",
                table: "credentials",
                columns: new[] { "ExpiresOn", "Id" },
                filter: "\"ExpiresOn\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_credentials_OwnerId_VerifiedStatus_CheckedAt_Id",
                table: "credentials",
                columns: new[] { "OwnerId", "VerifiedStatus", "CheckedAt", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_credentials_VerifiedStatus_CheckedAt_Id",
                table: "credentials",
                columns: new[] { "VerifiedStatus", "CheckedAt", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_credentials_VerifiedStatus_Id",
                table: "credentials",
                columns: new[] { "VerifiedStatus", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_ActorId_Event_At_ItemType_OwnerId",
                table: "audit_entries",
                columns: new[] { "ActorId", "Event", "At", "ItemType", "OwnerId" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_ActorId_ItemType_At_Event_OwnerId",
                table: "audit_entries",
                columns: new[] { "ActorId", "ItemType", "At", "Event", "OwnerId" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_Event_ItemType_At_ActorId_OwnerId",
                table: "audit_entries",
                columns: new[] { "Event", "ItemType", "At", "ActorId", "OwnerId" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_OwnerId_Event_At_ItemType_ActorId",
                table: "audit_entries",
                columns: new[] { "OwnerId", "Event", "At", "ItemType", "ActorId" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_OwnerId_ItemType_At_Event_ActorId",
                table: "audit_entries",
                columns: new[] { "OwnerId", "ItemType", "At", "Event", "ActorId" });

            AddWhatEFDoesNotKnow(migrationBuilder);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            RemoveWhatEFDoesNotKnow(migrationBuilder);

            migrationBuilder.DropIndex(
                name: "IX_credentials_CheckedAt_Id",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_ExpiresOn_Id",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_OwnerId_VerifiedStatus_CheckedAt_Id",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_VerifiedStatus_CheckedAt_Id",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_credentials_VerifiedStatus_Id",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_ActorId_Event_At_ItemType_OwnerId",
                table: "audit_entries");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_ActorId_ItemType_At_Event_OwnerId",
                table: "audit_entries");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_Event_ItemType_At_ActorId_OwnerId",
                table: "audit_entries");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_OwnerId_Event_At_ItemType_ActorId",
                table: "audit_entries");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_OwnerId_ItemType_At_Event_ActorId",
                table: "audit_entries");
        }

        /// <summary>What EF does not know: orders that ignore case, and which fingerprints are there twice or more, which is asked far more often than it changes.</summary>
        private static void AddWhatEFDoesNotKnow(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            CREATE INDEX "IX_credentials_Name_Id" ON "credentials" ("Name" COLLATE NOCASE, "Id");
            CREATE INDEX "IX_credentials_VerifiedStatus_Name_Id" ON "credentials" ("VerifiedStatus", "Name" COLLATE NOCASE, "Id");

            CREATE TABLE "repeated_fingerprints" ("Fingerprint" TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;
            CREATE TRIGGER "repeated_fingerprints_added" AFTER INSERT ON "credential_keys"
            WHEN EXISTS (SELECT 1 FROM "credential_keys" WHERE "Fingerprint" = new."Fingerprint" AND "Uid" <> new."Uid") BEGIN
                INSERT OR IGNORE INTO "repeated_fingerprints" ("Fingerprint") VALUES (new."Fingerprint");
            END;
            CREATE TRIGGER "repeated_fingerprints_removed" AFTER DELETE ON "credential_keys"
            WHEN (SELECT count(*) FROM (SELECT 1 FROM "credential_keys" WHERE "Fingerprint" = old."Fingerprint" LIMIT 2)) < 2 BEGIN
                DELETE FROM "repeated_fingerprints" WHERE "Fingerprint" = old."Fingerprint";
            END;
            INSERT INTO "repeated_fingerprints" ("Fingerprint") SELECT "Fingerprint" FROM "credential_keys" GROUP BY "Fingerprint" HAVING count(*) > 1;
            """);

        private static void RemoveWhatEFDoesNotKnow(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            DROP TRIGGER "repeated_fingerprints_removed";
            DROP TRIGGER "repeated_fingerprints_added";
            DROP TABLE "repeated_fingerprints";
            DROP INDEX "IX_credentials_VerifiedStatus_Name_Id";
            DROP INDEX "IX_credentials_Name_Id";
            """);
    }
}
