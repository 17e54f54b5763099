using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ReSciCredentials.Storage.Migrations
{
    /// <inheritdoc />
    public partial class AuditChain : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_audit_entries_ItemType_ItemId",
                table: "audit_entries");

            migrationBuilder.AddColumn<string>(
                name: "Changes",
                table: "audit_entries",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.AddColumn<byte[]>(
                name: "Mac",
                table: "audit_entries",
                type: "BLOB",
                nullable: false,
                defaultValue: new byte[0]);

            migrationBuilder.AddColumn<int>(
                name: "OwnerId",
                table: "audit_entries",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Path",
                table: "audit_entries",
                type: "TEXT",
                nullable: false,
                defaultValue: "");

            migrationBuilder.CreateTable(
                name: "audit_marks",
                columns: table => new
                {
                    Name = table.Column<string>(type: "TEXT", nullable: false),
                    EntryId = table.Column<int>(type: "INTEGER", nullable: false),
                    EntryMac = table.Column<byte[]>(type: "BLOB", nullable: false),
                    Mac = table.Column<byte[]>(type: "BLOB", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_audit_marks", x => x.Name);
                });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_ActorId_At_Event_ItemType_OwnerId",
                table: "audit_entries",
                columns: new[] { "ActorId", "At", "Event", "ItemType", "OwnerId" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_At",
                table: "audit_entries",
                column: "At");

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_Event_At_ItemType_ActorId_OwnerId",
                table: "audit_entries",
                columns: new[] { "Event", "At", "ItemType", "ActorId", "OwnerId" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_ItemType_At_Event_ActorId_OwnerId",
                table: "audit_entries",
                columns: new[] { "ItemType", "At", "Event", "ActorId", "OwnerId" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_ItemType_ItemId_At",
                table: "audit_entries",
                columns: new[] { "ItemType", "ItemId", "At" });

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_OwnerId_At_Event_ItemType_ActorId",
                table: "audit_entries",
                columns: new[] { "OwnerId", "At", "Event", "ItemType", "ActorId" });

            TellOwners(migrationBuilder);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "audit_marks");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_ActorId_At_Event_ItemType_OwnerId",
                table: "audit_entries");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_At",
                table: "audit_entries");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_Event_At_ItemType_ActorId_OwnerId",
                table: "audit_entries");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_ItemType_At_Event_ActorId_OwnerId",
                table: "audit_entries");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_ItemType_ItemId_At",
                table: "audit_entries");

            migrationBuilder.DropIndex(
                name: "IX_audit_entries_OwnerId_At_Event_ItemType_ActorId",
                table: "audit_entries");

            migrationBuilder.DropColumn(
                name: "Changes",
                table: "audit_entries");

            migrationBuilder.DropColumn(
                name: "Mac",
                table: "audit_entries");

            migrationBuilder.DropColumn(
                name: "OwnerId",
                table: "audit_entries");

            migrationBuilder.DropColumn(
                name: "Path",
                table: "audit_entries");

            migrationBuilder.CreateIndex(
                name: "IX_audit_entries_ItemType_ItemId",
                table: "audit_entries",
                columns: new[] { "ItemType", "ItemId" });
        }

        // Whose things entries are about was not kept: it is whose they are now. The first start seals it in.
        private static void TellOwners(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
            UPDATE "audit_entries" SET "OwnerId" = CASE "ItemType"
                WHEN 'credential' THEN (SELECT "OwnerId" FROM "credentials" WHERE "Id" = "ItemId")
                WHEN 'source' THEN (SELECT "OwnerId" FROM "flows" WHERE "Id" = "ItemId")
                WHEN 'destination' THEN (SELECT "OwnerId" FROM "flows" WHERE "Id" = "ItemId")
                WHEN 'access_token' THEN (SELECT "OwnerId" FROM "access_tokens" WHERE "Id" = "ItemId")
                WHEN 'account' THEN nullif("ItemId", 0)
                END;
            """);
    }
}
