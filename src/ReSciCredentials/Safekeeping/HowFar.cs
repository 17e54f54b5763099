namespace ReSciCredentials.Safekeeping;

/// <summary>How far long work is.</summary>
/// <param name="Step">What is being done, for people: <c>Copying</c>.</param>
/// <param name="Done">Bytes or rows.</param>
/// <param name="Total">Of so many; 0 while that is not known.</param>
internal readonly record struct HowFar(string Step, long Done = 0, long Total = 0);
