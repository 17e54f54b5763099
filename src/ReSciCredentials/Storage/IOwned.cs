namespace ReSciCredentials.Storage;

/// <summary>A row that belongs to one person. Its changes are announced after the commit, see <see cref="ChangeNotices"/>.</summary>
internal interface IOwned
{
    int Id { get; }

    int OwnerId { get; }
}

/// <summary>A row that its owner can share.</summary>
internal interface IShared : IOwned
{
    ICollection<Accessor> Accessors { get; }
}

/// <summary>A row that several people may change at once: a change made on an older revision is refused with a DbUpdateConcurrencyException.</summary>
internal interface IRevised
{
    /// <summary>Raised by the context with every change, from 1.</summary>
    int Revision { get; set; }
}
