using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace ReSciCredentials.Storage.Migrations
{
    /// <inheritdoc />
    public partial class BrokerCallIndexes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_broker_calls_FlowId_Id",
                table: "broker_calls");

            migrationBuilder.DropIndex(
                name: "IX_broker_calls_TokenId_Id",
                table: "broker_calls");

            migrationBuilder.CreateIndex(
                name: "IX_broker_calls_FlowId",
                table: "broker_calls",
                column: "FlowId");

            migrationBuilder.CreateIndex(
                name: "IX_broker_calls_TokenId",
                table: "broker_calls",
                column: "TokenId");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "IX_broker_calls_FlowId",
                table: "broker_calls");

            migrationBuilder.DropIndex(
                name: "IX_broker_calls_TokenId",
                table: "broker_calls");

            migrationBuilder.CreateIndex(
                name: "IX_broker_calls_FlowId_Id",
                table: "broker_calls",
                columns: new[] { "FlowId", "Id" });

            migrationBuilder.CreateIndex(
                name: "IX_broker_calls_TokenId_Id",
                table: "broker_calls",
                columns: new[] { "TokenId", "Id" });
        }
    }
}
