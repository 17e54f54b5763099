using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ReSciCredentials.Storage.Migrations
{
    /// <inheritdoc />
    public partial class TokenRefusals : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "RefusedAt",
                table: "access_tokens",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "RefusedFor",
                table: "access_tokens",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "RefusedFrom",
                table: "access_tokens",
                type: "TEXT",
                nullable: true);

            migrationBuilder.CreateIndex(
                name: "IX_credentials_OwnerId_DoubtedAt",
                table: "credentials",
                columns: new[] { "OwnerId", "DoubtedAt" },
                filter: "\"DoubtedAt\" IS NOT NULL");

            migrationBuilder.CreateIndex(
                name: "IX_access_tokens_RefusedAt",
                table: "access_tokens",
                column: "RefusedAt",
                filter: "\"RefusedAt\" IS NOT NULL");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_credentials_OwnerId_DoubtedAt",
                table: "credentials");

            migrationBuilder.DropIndex(
                name: "IX_access_tokens_RefusedAt",
                table: "access_tokens");

            migrationBuilder.DropColumn(
                name: "RefusedAt",
                table: "access_tokens");

            migrationBuilder.DropColumn(
                name: "RefusedFor",
                table: "access_tokens");

            migrationBuilder.DropColumn(
                name: "RefusedFrom",
                table: "access_tokens");
        }
    }
}
