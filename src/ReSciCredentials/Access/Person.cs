using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>A person who is signed in, as the services see them: every use case takes one, checks, and acts.</summary>
/// <param name="Id">The account's id.</param>
/// <param name="Session">The sign-in session the request or circuit belongs to; of a program, its API token.</param>
/// <param name="ServiceKey">The name of the service key by which a program acts as this person; null for themselves.</param>
internal sealed record Person(
    int Id, string Name, string Email, AccountRole Role, Guid Session, string Address, string UserAgent, string? ServiceKey = null)
    : Actor(Id, ServiceKey is null ? Email : $"{Email} by {ServiceKey}", Address, UserAgent)
{
    /// <summary>Lets the handler of an endpoint take the person who asks as a parameter.</summary>
    public static async ValueTask<Person?> BindAsync(HttpContext context) =>
        await context.RequestServices.GetRequiredService<CurrentPerson>().GetAsync(context.RequestAborted);
}
