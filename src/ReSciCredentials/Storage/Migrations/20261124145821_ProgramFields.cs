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
        protected override void Down(MigrationBuilder migrationBuilder) => DropColumns(migrationBuilder);

        // To be kept when this migration is made anew. EF would make both tables anew instead, and with the old ones the triggers and
        // indexes would go that another migration made of them.
        private static void DropColumns(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
            """
            ALTER TABLE "flows" DROP COLUMN "Config";
            ALTER TABLE "flows" DROP COLUMN "CopiedFromId";
            ALTER TABLE "flows" DROP COLUMN "DataSetId";
            ALTER TABLE "flows" DROP COLUMN "Type";
            ALTER TABLE "credentials" DROP COLUMN "CopiedFromId";
            ALTER TABLE "credentials" DROP COLUMN "Type";
            """);
    }
}
