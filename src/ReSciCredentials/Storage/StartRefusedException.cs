namespace ReSciCredentials.Storage;

/// <summary>The server must not start. The message is for the person at the console: what is wrong and what to do.</summary>
public sealed class StartRefusedException(string message) : Exception(message);
