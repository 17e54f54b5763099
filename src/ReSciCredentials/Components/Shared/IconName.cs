namespace ReSciCredentials.Components.Shared;

/// <summary>The drawings that <see cref="Icon"/> knows.</summary>
public enum IconName
{
    Add,
    Next,
    Back,
    Check,
    Close,
    Copy,
    Delete,
    Destination,
    Failure,
    Information,
    Key,
    Pause,
    Person,
    Play,
    Search,
    Share,
    SignOut,
    Source,
    Success,
    Table,
    Test,
    Tiles,
    Unknown,
    Warning,
}
