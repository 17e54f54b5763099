using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ReSciCredentials.Storage.Migrations
{
    /// <inheritdoc />
    public partial class BrokerJobs : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "broker_jobs",
                columns: table => new
                {
                    Id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    TokenId = table.Column<int>(type: "INTEGER", nullable: false),
                    JobId = table.Column<string>(type: "TEXT", maxLength: 64, nullable: false),
                    At = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_broker_jobs", x => x.Id);
                    table.ForeignKey(
                        name: "FK_broker_jobs_access_tokens_TokenId",
                        column: x => x.TokenId,
                        principalTable: "access_tokens",
                        principalColumn: "Id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_broker_jobs_At",
                table: "broker_jobs",
                column: "At");

            migrationBuilder.CreateIndex(
                name: "IX_broker_jobs_TokenId_Id",
                table: "broker_jobs",
                columns: new[] { "TokenId", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_broker_jobs_TokenId_JobId",
                table: "broker_jobs",
                columns: new[] { "TokenId", "JobId" },
                unique: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "broker_jobs");
        }
    }
}
