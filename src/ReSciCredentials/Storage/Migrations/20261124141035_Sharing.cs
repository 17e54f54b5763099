using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ReSciCredentials.Storage.Migrations
{
    /// <inheritdoc />
    public partial class Sharing : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "accessors",
                columns: table => new
                {
                    Id = table.Column<int>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    CredentialId = table.Column<int>(type: "INTEGER", nullable: true),
                    FlowId = table.Column<int>(type: "INTEGER", nullable: true),
                    AccountId = table.Column<int>(type: "INTEGER", nullable: false),
                    Role = table.Column<int>(type: "INTEGER", nullable: false),
                    CreatedAt = table.Column<long>(type: "INTEGER", nullable: false),
                    UpdatedAt = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_accessors", x => x.Id);
                    table.CheckConstraint("CK_accessors_one", "(\"CredentialId\" IS NULL) <> (\"FlowId\" IS NULL)");
                    table.ForeignKey(
                        name: "FK_accessors_accounts_AccountId",
                        column: x => x.AccountId,
                        principalTable: "accounts",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "FK_accessors_credentials_CredentialId",
                        column: x => x.CredentialId,
                        principalTable: "credentials",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                    table.ForeignKey(
                        name: "FK_accessors_flows_FlowId",
                        column: x => x.FlowId,
                        principalTable: "flows",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_flows_OwnerId_Kind_Id",
                table: "flows",
                columns: new[] { "OwnerId", "Kind", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_accessors_AccountId_CredentialId",
                table: "accessors",
                columns: new[] { "AccountId", "CredentialId" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_accessors_AccountId_FlowId",
                table: "accessors",
                columns: new[] { "AccountId", "FlowId" },
                unique: true);

            migrationBuilder.CreateIndex(
                name: "IX_accessors_CredentialId",
                table: "accessors",
                column: "CredentialId");

            migrationBuilder.CreateIndex(
                name: "IX_accessors_FlowId",
                table: "accessors",
                column: "FlowId");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "accessors");

            migrationBuilder.DropIndex(
                name: "IX_flows_OwnerId_Kind_Id",
                table: "flows");
        }
    }
}
