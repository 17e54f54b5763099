using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>A person who is signed in, as the services see them: every use case takes one, checks, and acts.</summary>
/// <param name="Id">The account's id.</param>
/// <param name="Session">The sign-in session the request or circuit belongs to.</param>
internal sealed record Person(int Id, string Name, string Email, AccountRole Role, Guid Session, string Address, string UserAgent)
    : Actor(Id, Email, Address, UserAgent);
