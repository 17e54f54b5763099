namespace ReSciCredentials.Components.Shared;

/// <summary>The drawings that <see cref="Icon"/> knows.</summary>
public enum IconName
{
    Add,
    Next,
    Back,
    Check,
    Clock,
    Close,
    Copy,
    Delete,
    Destination,
    Download,
    Failure,
    Information,
    Key,
    Pause,
    Person,
    Play,
    Revoked,
    Rotate,
    Search,
    SignOut,
    Source,
    Success,
    Table,
    Test,
    Tiles,
    Unknown,
    Warning,
}
