using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ReSciCredentials.Storage.Migrations
{
    /// <inheritdoc />
    public partial class ProgramFields : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "Config",
                table: "flows",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "CopiedFromId",
                table: "flows",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "DataSetId",
                table: "flows",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Type",
                table: "flows",
                type: "TEXT",
                nullable: false,
                defaultValue: "rest");

            migrationBuilder.AddColumn<int>(
                name: "CopiedFromId",
                table: "credentials",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "Type",
                table: "credentials",
                type: "TEXT",
                nullable: false,
                defaultValue: "resci");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "Config",
                table: "flows");

            migrationBuilder.DropColumn(
                name: "CopiedFromId",
                table: "flows");

            migrationBuilder.DropColumn(
                name: "DataSetId",
                table: "flows");

            migrationBuilder.DropColumn(
                name: "Type",
                table: "flows");

            migrationBuilder.DropColumn(
                name: "CopiedFromId",
                table: "credentials");

            migrationBuilder.DropColumn(
                name: "Type",
                table: "credentials");
        }
    }
}
